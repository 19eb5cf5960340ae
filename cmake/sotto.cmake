# Functions that every CMakeLists.txt of this project is written with.

find_package(Threads REQUIRED)
find_package(tl-expected REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(nlohmann_json REQUIRED)

find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
  set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE})
endif()

# Warnings for our own code; system headers are exempt.
add_library(sotto_warnings INTERFACE)
target_compile_options(sotto_warnings INTERFACE -Wall -Wextra -Wshadow -Wconversion -Werror)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 14)
  target_compile_options(sotto_warnings INTERFACE -Wno-restrict)  # at -O3 std::string + std::string: GCC bug 105651
endif()

if(SOTTO_SANITIZE)
  add_compile_options(-fsanitize=${SOTTO_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${SOTTO_SANITIZE})
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_compile_options(sotto_warnings INTERFACE -Wno-maybe-uninitialized)  # false positives under sanitizers
  endif()
endif()

# sotto_layer(NAME DEPS layer... [LIBS target...] [SOURCES file...])
# The library sotto_NAME of the folder src/NAME: all its .cc files, unless SOURCES lists them.
# Headers are included as "NAME/file.h".
function(sotto_layer name)
  cmake_parse_arguments(arg "" "" "DEPS;LIBS;SOURCES" ${ARGN})
  if(NOT arg_SOURCES)
    file(GLOB arg_SOURCES CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cc)
  endif()
  add_library(sotto_${name} STATIC ${arg_SOURCES})
  if(name IN_LIST SOTTO_SOON_BUILT AND NOT CMAKE_BUILD_TYPE STREQUAL "Debug")
    target_compile_options(sotto_${name} PRIVATE -O1)
  endif()
  target_include_directories(sotto_${name} PUBLIC ${CMAKE_SOURCE_DIR}/src)
  list(TRANSFORM arg_DEPS PREPEND sotto_)
  target_link_libraries(sotto_${name} PUBLIC ${arg_DEPS} ${arg_LIBS} PRIVATE sotto_warnings)
endfunction()

# sotto_alone(file...): of this folder, compiled alone in builds that join files (CMAKE_UNITY_BUILD).
function(sotto_alone)
  set_source_files_properties(${ARGN} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
endfunction()

# sotto_test(NAME LIBS target...): the GoogleTest program test_NAME of tests/NAME/*_test.cc, each TEST one ctest.
function(sotto_test name)
  cmake_parse_arguments(arg "" "" "LIBS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/${name}/*.cc)
  if(NOT sources)
    return()
  endif()
  add_executable(test_${name} ${sources})
  set_target_properties(test_${name} PROPERTIES UNITY_BUILD OFF)  # each file has helpers of its own
  target_precompile_headers(test_${name} PRIVATE <gmock/gmock.h> <gtest/gtest.h> <nlohmann/json.hpp>)
  target_include_directories(test_${name} PRIVATE ${CMAKE_SOURCE_DIR}/tests)
  target_compile_definitions(test_${name} PRIVATE SOTTO_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
  # gtest_main first: libwebrtc_audio_processing.so has a main of its own.
  target_link_libraries(test_${name} PRIVATE GTest::gtest_main GTest::gmock ${arg_LIBS} sotto_warnings)
  gtest_discover_tests(test_${name} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR} DISCOVERY_TIMEOUT 120
                       PROPERTIES LABELS ${name} TIMEOUT 600)
endfunction()
