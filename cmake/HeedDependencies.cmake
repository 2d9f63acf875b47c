# Finds what heed links. Each miss ends with one line that names the Debian package to install.

function(heed_require what package found)
  if(NOT ${found})
    message(FATAL_ERROR "heed needs ${what}: install the Debian package '${package}' (or run ./run build)")
  endif()
endfunction()

find_package(PkgConfig QUIET)
heed_require("pkg-config" "pkg-config" PKG_CONFIG_FOUND)

# OpenBLAS: its CMake config sets variables only, so pkg-config makes the target.
pkg_check_modules(HeedOpenBLAS QUIET IMPORTED_TARGET GLOBAL openblas)
heed_require("OpenBLAS" "libopenblas-dev" HeedOpenBLAS_FOUND)

find_package(dnnl CONFIG QUIET)
heed_require("oneDNN (its CMake files also want OpenCL's headers)" "libdnnl-dev ocl-icd-opencl-dev" dnnl_FOUND)

pkg_check_modules(HeedHighway QUIET IMPORTED_TARGET GLOBAL libhwy)
heed_require("Highway" "libhwy-dev" HeedHighway_FOUND)

find_package(fmt CONFIG QUIET)
heed_require("fmt" "libfmt-dev" fmt_FOUND)

find_package(nlohmann_json CONFIG QUIET)
heed_require("nlohmann-json" "nlohmann-json3-dev" nlohmann_json_FOUND)

pkg_check_modules(HeedUtf8proc QUIET IMPORTED_TARGET GLOBAL libutf8proc)
heed_require("utf8proc" "libutf8proc-dev" HeedUtf8proc_FOUND)

pkg_check_modules(HeedTomlplusplus QUIET IMPORTED_TARGET GLOBAL tomlplusplus)
heed_require("toml++" "libtomlplusplus-dev" HeedTomlplusplus_FOUND)

pkg_check_modules(HeedSentencePiece QUIET IMPORTED_TARGET GLOBAL sentencepiece)
heed_require("SentencePiece (its pkg-config file may want protobuf)" "libsentencepiece-dev libprotobuf-dev" HeedSentencePiece_FOUND)

pkg_check_modules(HeedLibarchive QUIET IMPORTED_TARGET GLOBAL libarchive)
heed_require("libarchive" "libarchive-dev" HeedLibarchive_FOUND)

pkg_check_modules(HeedZlib QUIET IMPORTED_TARGET GLOBAL zlib)
heed_require("zlib" "zlib1g-dev" HeedZlib_FOUND)

pkg_check_modules(HeedIcu QUIET IMPORTED_TARGET GLOBAL icu-uc)
heed_require("ICU" "libicu-dev" HeedIcu_FOUND)

pkg_check_modules(HeedYamlCpp QUIET IMPORTED_TARGET GLOBAL yaml-cpp)
heed_require("yaml-cpp" "libyaml-cpp-dev" HeedYamlCpp_FOUND)

if(HEED_BUILD_APPS)
  find_package(CLI11 CONFIG QUIET)
  heed_require("CLI11" "libcli11-dev" CLI11_FOUND)
  pkg_check_modules(HeedPangoCairo QUIET IMPORTED_TARGET GLOBAL pangocairo libpng)
  heed_require("pango, cairo and libpng" "libpango1.0-dev libcairo2-dev libpng-dev" HeedPangoCairo_FOUND)
  pkg_check_modules(HeedHttplib QUIET IMPORTED_TARGET GLOBAL cpp-httplib)
  heed_require("cpp-httplib" "libcpp-httplib-dev" HeedHttplib_FOUND)
  pkg_check_modules(HeedCurl QUIET IMPORTED_TARGET GLOBAL libcurl)
  heed_require("libcurl" "libcurl4-openssl-dev" HeedCurl_FOUND)
  pkg_check_modules(HeedCrypto QUIET IMPORTED_TARGET GLOBAL libcrypto)
  heed_require("libcrypto" "libssl-dev" HeedCrypto_FOUND)
endif()
set(HEED_WITH_MPI OFF)
if(HEED_BUILD_APPS AND NOT HEED_MPI STREQUAL "OFF")
  pkg_search_module(HeedMpi QUIET IMPORTED_TARGET GLOBAL ompi-c mpich mpi-c)  # mpi-c: the one that Debian's alternatives chose
  if(HEED_MPI STREQUAL "ON")
    heed_require("MPI (HEED_MPI is ON)" "libopenmpi-dev" HeedMpi_FOUND)
  endif()
  set(HEED_WITH_MPI ${HeedMpi_FOUND})
endif()
if(HEED_BUILD_TESTS)
  find_package(GTest CONFIG QUIET)
  heed_require("GoogleTest and GoogleMock" "libgtest-dev libgmock-dev" GTest_FOUND)
  if(NOT TARGET GTest::gmock)
    message(FATAL_ERROR "heed needs GoogleMock: install the Debian package 'libgmock-dev'")
  endif()
endif()
if(HEED_BUILD_BENCH)
  find_package(benchmark CONFIG QUIET)
  heed_require("Google Benchmark" "libbenchmark-dev" benchmark_FOUND)
endif()
