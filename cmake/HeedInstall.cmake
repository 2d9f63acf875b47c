# cmake --install: the libraries as heed::framework, heed::nn and heed::models for find_package(heed) and as heed for pkg-config, their
# headers, the programs.
# tests/package is a project that uses them.
option(HEED_INSTALL "Make the install rules" ${HEED_IS_TOP_LEVEL})
if(NOT HEED_INSTALL)
  return()
endif()
include(CMakePackageConfigHelpers)

set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/heed")
install(TARGETS heed_framework heed_nn heed_models EXPORT heedTargets
        ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT development
        LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT development)
install(EXPORT heedTargets NAMESPACE heed:: DESTINATION "${package_dir}" COMPONENT development)

# The headers include each other as "framework/..."; include/heed is on the path, so <heed/framework/...> works beside it.
# What lies under framework/kernels/<backend> needs the backends' own headers and stays here.
foreach(layer framework nn models)
  install(DIRECTORY "${PROJECT_SOURCE_DIR}/${layer}" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/heed" COMPONENT development
          FILES_MATCHING PATTERN "*.h" PATTERN "ops.def"
          PATTERN "kernels/simd" EXCLUDE PATTERN "kernels/onednn" EXCLUDE PATTERN "kernels/openblas" EXCLUDE)
endforeach()

# With build/release/bin on PATH find_package looks into build/release and its cmake/ and lib/: not into generated/.
set(generated_dir "${PROJECT_BINARY_DIR}/generated")
file(REMOVE ${PROJECT_BINARY_DIR}/heedConfig.cmake ${PROJECT_BINARY_DIR}/heedConfigVersion.cmake)  # where older trees had it
configure_package_config_file("${CMAKE_CURRENT_LIST_DIR}/heedConfig.cmake.in" "${generated_dir}/heedConfig.cmake"
                              INSTALL_DESTINATION "${package_dir}")
write_basic_package_version_file("${generated_dir}/heedConfigVersion.cmake" COMPATIBILITY SameMinorVersion)
install(FILES "${generated_dir}/heedConfig.cmake" "${generated_dir}/heedConfigVersion.cmake"
        DESTINATION "${package_dir}" COMPONENT development)

# heed.pc, whose prefix is where it lies: the installed tree may be moved.
if(IS_ABSOLUTE "${CMAKE_INSTALL_LIBDIR}" OR IS_ABSOLUTE "${CMAKE_INSTALL_INCLUDEDIR}")
  message(WARNING "heed.pc is left out: it needs CMAKE_INSTALL_LIBDIR and CMAKE_INSTALL_INCLUDEDIR relative to the prefix")
else()
  file(RELATIVE_PATH HEED_PC_PREFIX "/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/")
  string(REGEX REPLACE "/$" "" HEED_PC_PREFIX "\${pcfiledir}/${HEED_PC_PREFIX}")
  configure_file("${CMAKE_CURRENT_LIST_DIR}/heed.pc.in" "${generated_dir}/heed.pc" @ONLY)
  install(FILES "${generated_dir}/heed.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig" COMPONENT development)
endif()

foreach(app translator heatmap)
  if(TARGET ${app})
    install(TARGETS ${app} RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}" COMPONENT programs)
  endif()
endforeach()
