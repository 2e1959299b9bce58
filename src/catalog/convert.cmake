# The converter and what it imports become one source of room_catalog, made anew when one of them changes.
set(converter_files ${CMAKE_CURRENT_LIST_DIR}/convert/bert.py ${CMAKE_CURRENT_LIST_DIR}/convert/requirements.txt)
set(embedded ${CMAKE_CURRENT_BINARY_DIR}/catalog/convert_embedded.cpp)
add_custom_command(OUTPUT ${embedded}
  COMMAND ${CMAKE_COMMAND} "-DOUT=${embedded}" "-DFROM=${CMAKE_CURRENT_LIST_DIR}/convert" -P ${CMAKE_CURRENT_LIST_DIR}/convert/embed.cmake
  DEPENDS ${converter_files} ${CMAKE_CURRENT_LIST_DIR}/convert/embed.cmake VERBATIM)
target_sources(room_catalog PRIVATE ${embedded})
