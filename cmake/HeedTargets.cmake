# Flags and helpers shared by every target of ours. Warnings are PRIVATE: a project that links heed does not inherit them.
add_library(heed_flags INTERFACE)
target_compile_options(heed_flags INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Wno-missing-field-initializers
                       $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>  # false alarms in std::string of GCC 12 (its PR 105651)
                       $<$<BOOL:${HEED_WERROR}>:-Werror>)
if(HEED_SANITIZE)
  add_compile_options(-fsanitize=${HEED_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${HEED_SANITIZE})
  if(HEED_SANITIZE MATCHES undefined AND CMAKE_CXX_COMPILER_ID STREQUAL GNU)
    # Checks at every access to a member: three tenths of the time of compiling. AddressSanitizer reports a null pointer as well; the
    # targets of tests/fuzz, by clang, have them all.
    add_compile_options(-fno-sanitize=null,alignment,vptr)
  endif()
  target_compile_options(heed_flags INTERFACE $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)  # gcc 12 sees ghosts in <regex> and <functional> when it instruments
endif()

# The headers as a user has them, in the tree as they are once installed: <heed/nn/nn.h>. A target writes them anew when one has changed.
set(HEED_HEADERS_DIR "${PROJECT_BINARY_DIR}/headers")
foreach(layer framework nn models)
  file(GLOB_RECURSE found CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/${layer}/*.h" "${PROJECT_SOURCE_DIR}/${layer}/*.def")
  list(APPEND heed_header_files ${found})
  file(REMOVE "${PROJECT_BINARY_DIR}/include/heed/${layer}")  # a link, where older trees had them
endforeach()
set(heed_write_headers "${CMAKE_COMMAND}" "-DSOURCE=${PROJECT_SOURCE_DIR}" "-DINTO=${HEED_HEADERS_DIR}"
    -P "${PROJECT_SOURCE_DIR}/cmake/headers.cmake")
add_custom_command(OUTPUT "${HEED_HEADERS_DIR}/stamp" COMMAND ${heed_write_headers}
                   COMMAND "${CMAKE_COMMAND}" -E touch "${HEED_HEADERS_DIR}/stamp"
                   DEPENDS ${heed_header_files} "${PROJECT_SOURCE_DIR}/cmake/headers.cmake" COMMENT "Headers for users" VERBATIM)
add_custom_target(heed_headers DEPENDS "${HEED_HEADERS_DIR}/stamp")
include_directories("${PROJECT_SOURCE_DIR}")  # heed's own targets say "framework/..."

# heed_library(name [SOURCES...]): a library heed_<name>, alias heed::<name>; who links it says <heed/framework/...>.
function(heed_library name)
  add_library(heed_${name} ${ARGN})
  add_library(heed::${name} ALIAS heed_${name})
  set_target_properties(heed_${name} PROPERTIES EXPORT_NAME ${name} VERSION ${PROJECT_VERSION})
  target_include_directories(heed_${name} INTERFACE $<BUILD_INTERFACE:${HEED_HEADERS_DIR}> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  add_dependencies(heed_${name} heed_headers)
  target_compile_features(heed_${name} PUBLIC cxx_std_20)
  target_link_libraries(heed_${name} PRIVATE $<BUILD_INTERFACE:heed_flags>)
endfunction()

# heed_unity(target SIZE n [SKIP files...]): up to n files of one folder are compiled as one, so that what they all include is read once.
# SKIP: files that stay alone, by their path below the current folder: what is included twice on purpose, or has names that clash.
function(heed_unity target)
  cmake_parse_arguments(PARSE_ARGV 1 unity "" "SIZE" "SKIP")
  if(NOT HEED_UNITY)
    return()
  endif()
  get_target_property(sources ${target} SOURCES)
  list(TRANSFORM unity_SKIP PREPEND "${CMAKE_CURRENT_SOURCE_DIR}/")
  foreach(skipped IN LISTS unity_SKIP)
    if(NOT skipped IN_LIST sources)
      message(FATAL_ERROR "heed_unity: ${target} has no ${skipped}")
    endif()
  endforeach()
  list(REMOVE_ITEM sources ${unity_SKIP})
  set(folders "")
  foreach(source IN LISTS sources)
    get_filename_component(folder "${source}" DIRECTORY)
    list(APPEND folders "${folder}")
    list(APPEND files_of_${folder} "${source}")
  endforeach()
  list(REMOVE_DUPLICATES folders)
  foreach(folder IN LISTS folders)
    list(LENGTH files_of_${folder} count)
    math(EXPR units "(${count} + ${unity_SIZE} - 1) / ${unity_SIZE}")
    get_filename_component(name "${folder}" NAME)
    set(index 0)
    foreach(source IN LISTS files_of_${folder})  # units of about the same number of files
      math(EXPR unit "${index} * ${units} / ${count} + 1")
      set_source_files_properties("${source}" PROPERTIES UNITY_GROUP ${name}_${unit})
      math(EXPR index "${index} + 1")
    endforeach()
  endforeach()
  set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_MODE GROUP)
  target_compile_options(${target} PRIVATE $<$<CXX_COMPILER_ID:GNU>:-Wno-subobject-linkage>)  # it takes a .cpp that is included for a header
endfunction()
