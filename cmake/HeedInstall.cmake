# cmake --install: the libraries as heed::framework, heed::nn and heed::models for find_package(heed) and as heed for pkg-config, their
# headers, the programs.
# tests/package is a project that uses them.
option(HEED_INSTALL "Make the install rules" ${HEED_IS_TOP_LEVEL})
if(NOT HEED_INSTALL)
  return()
endif()
include(CMakePackageConfigHelpers)

set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/heed")
# Two sets: models links libraries that the other two do not need, and whose absence must not keep anyone from those.
foreach(set IN ITEMS heedTargets=heed_framework,heed_nn heedModelsTargets=heed_models)
  string(REGEX MATCH "^(.*)=(.*)$" whole "${set}")
  set(export "${CMAKE_MATCH_1}")
  string(REPLACE "," ";" targets "${CMAKE_MATCH_2}")
  install(TARGETS ${targets} EXPORT ${export}
          ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT development
          LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT development)
  install(EXPORT ${export} NAMESPACE heed:: DESTINATION "${package_dir}" COMPONENT development)
endforeach()

install(DIRECTORY "${HEED_HEADERS_DIR}/heed" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" COMPONENT development)

# With build/release/bin on PATH find_package looks into build/release and its cmake/ and lib/: not into generated/.
set(generated_dir "${PROJECT_BINARY_DIR}/generated")
file(REMOVE ${PROJECT_BINARY_DIR}/heedConfig.cmake ${PROJECT_BINARY_DIR}/heedConfigVersion.cmake)  # where older trees had it
configure_package_config_file("${CMAKE_CURRENT_LIST_DIR}/heedConfig.cmake.in" "${generated_dir}/heedConfig.cmake"
                              INSTALL_DESTINATION "${package_dir}")
write_basic_package_version_file("${generated_dir}/heedConfigVersion.cmake" COMPATIBILITY SameMinorVersion)
install(FILES "${generated_dir}/heedConfig.cmake" "${generated_dir}/heedConfigVersion.cmake"
        DESTINATION "${package_dir}" COMPONENT development)

# heed.pc, and heed-nn.pc for who needs no models; their prefix is where they lie: the installed tree may be moved.
if(IS_ABSOLUTE "${CMAKE_INSTALL_LIBDIR}" OR IS_ABSOLUTE "${CMAKE_INSTALL_INCLUDEDIR}")
  message(WARNING "heed.pc is left out: it needs CMAKE_INSTALL_LIBDIR and CMAKE_INSTALL_INCLUDEDIR relative to the prefix")
else()
  file(RELATIVE_PATH HEED_PC_PREFIX "/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/")
  string(REGEX REPLACE "/$" "" HEED_PC_PREFIX "\${pcfiledir}/${HEED_PC_PREFIX}")
  foreach(pc heed heed-nn)
    configure_file("${CMAKE_CURRENT_LIST_DIR}/${pc}.pc.in" "${generated_dir}/${pc}.pc" @ONLY)
    install(FILES "${generated_dir}/${pc}.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig" COMPONENT development)
  endforeach()
endif()

foreach(app translator heatmap)
  if(TARGET ${app})
    install(TARGETS ${app} RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}" COMPONENT programs)
  endif()
endforeach()
foreach(module heed_drawing heed_http heed_fetch heed_mpi)
  if(TARGET ${module})
    install(TARGETS ${module} LIBRARY DESTINATION lib/heed COMPONENT programs)
  endif()
endforeach()
# The trained translators (models/run/box.h) and the presets that train them.
if(TARGET translator)
  foreach(folder translators presets)
    if(IS_DIRECTORY "${PROJECT_SOURCE_DIR}/${folder}")
      install(DIRECTORY "${PROJECT_SOURCE_DIR}/${folder}" DESTINATION "${CMAKE_INSTALL_DATADIR}/heed" COMPONENT programs)
    endif()
  endforeach()
endif()
