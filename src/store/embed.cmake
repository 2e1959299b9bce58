# Writes the migrations as one C++ file: cmake -DOUT=... -DFILES="a.sql;b.sql" -P embed.cmake
# A file's folder is its room, its name is NNNN_what_it_does.sql.
set(body "")
set(rooms "")
foreach(file IN LISTS FILES)
  if(file MATCHES "[.]postgres[.]sql$")
    continue()  # taken with the one that it stands beside
  endif()
  get_filename_component(name ${file} NAME_WE)
  get_filename_component(room ${file} DIRECTORY)
  get_filename_component(room ${room} NAME)
  if(NOT name MATCHES "^([0-9][0-9][0-9][0-9])_[a-z0-9_]+$")
    message(FATAL_ERROR "a migration is named 0042_what_it_does.sql: ${file}")
  endif()
  math(EXPR number "${CMAKE_MATCH_1} + 0")
  list(APPEND rooms ${room})
  file(READ ${file} sql)
  string(REGEX REPLACE "\\.sql$" ".postgres.sql" other ${file})
  set(postgres "")
  if(EXISTS ${other})
    file(READ ${other} postgres)
    set(postgres ", R\"~sql~(${postgres})~sql~\"")
  endif()
  string(APPEND ${room}_rows "    {${number}, \"${name}\", R\"~sql~(${sql})~sql~\"${postgres}},\n")
endforeach()
list(REMOVE_DUPLICATES rooms)
foreach(room IN LISTS rooms)
  string(APPEND tables "constexpr Migration ${room}_migrations[] = {\n${${room}_rows}};\n")
  string(APPEND choices "    if (room == \"${room}\") return ${room}_migrations;\n")
endforeach()
file(WRITE ${OUT} "// Made by the build from src/store/migrations.
#include \"store/migrations.h\"

namespace meridian::store {
namespace {
${tables}}  // namespace

std::span<const Migration> migrations(std::string_view room) {
${choices}    return {};
}

}  // namespace meridian::store
")
