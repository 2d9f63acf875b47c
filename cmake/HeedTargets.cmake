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

# heed_library(name [SOURCES...]): a library heed_<name>, alias heed::<name>, that includes as "framework/..." in the tree and
# as <heed/framework/...> once installed.
function(heed_library name)
  add_library(heed_${name} ${ARGN})
  add_library(heed::${name} ALIAS heed_${name})
  set_target_properties(heed_${name} PROPERTIES EXPORT_NAME ${name} VERSION ${PROJECT_VERSION})
  target_include_directories(heed_${name} PUBLIC
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/heed>
    $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  target_compile_features(heed_${name} PUBLIC cxx_std_20)
  target_link_libraries(heed_${name} PRIVATE $<BUILD_INTERFACE:heed_flags>)
endfunction()
