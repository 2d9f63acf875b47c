# Flags and helpers shared by every target of ours. Warnings are PRIVATE: a project that links heed does not inherit them.
add_library(heed_flags INTERFACE)
target_compile_options(heed_flags INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Wno-missing-field-initializers
                       $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>  # false alarms in std::string of GCC 12 (its PR 105651)
                      
                       $<$<BOOL:${HEED_WERROR}>:-Werror>)
if(HEED_SANITIZE)
  add_compile_options(-fsanitize=${HEED_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${HEED_SANITIZE})
  target_compile_options(heed_flags INTERFACE -Wno-maybe-uninitialized)  # gcc 12 sees ghosts in <regex> and <functional> when it instruments
endif()

# The headers answer to <heed/nn/nn.h> in the tree as they do once installed. Links to the layers and not to the tree: no link leads back to itself.
foreach(layer framework nn models)
  file(MAKE_DIRECTORY "${PROJECT_BINARY_DIR}/include/heed")
  file(CREATE_LINK "${PROJECT_SOURCE_DIR}/${layer}" "${PROJECT_BINARY_DIR}/include/heed/${layer}" SYMBOLIC)
endforeach()

# heed_library(name [SOURCES...]): a library heed_<name>, alias heed::<name>, that includes as "framework/..." among themselves and as
# <heed/framework/...> from outside, in the tree and installed.
function(heed_library name)
  add_library(heed_${name} ${ARGN})
  add_library(heed::${name} ALIAS heed_${name})
  set_target_properties(heed_${name} PROPERTIES EXPORT_NAME ${name} VERSION ${PROJECT_VERSION})
  target_include_directories(heed_${name} PUBLIC
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}> $<BUILD_INTERFACE:${PROJECT_BINARY_DIR}/include>
    $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/heed>
    $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  target_compile_features(heed_${name} PUBLIC cxx_std_20)
  target_link_libraries(heed_${name} PRIVATE $<BUILD_INTERFACE:heed_flags>)
endfunction()
