# The SQL files become one source of room_store, made anew when one of them changes.
file(GLOB migration_files CONFIGURE_DEPENDS ${CMAKE_CURRENT_LIST_DIR}/migrations/*/[0-9]*.sql)
list(SORT migration_files)
set(embedded ${CMAKE_CURRENT_BINARY_DIR}/store/migrations_embedded.cpp)
add_custom_command(OUTPUT ${embedded}
  COMMAND ${CMAKE_COMMAND} "-DOUT=${embedded}" "-DFILES=${migration_files}" -P ${CMAKE_CURRENT_LIST_DIR}/embed.cmake
  DEPENDS ${migration_files} ${CMAKE_CURRENT_LIST_DIR}/embed.cmake VERBATIM)
target_sources(room_store PRIVATE ${embedded})
