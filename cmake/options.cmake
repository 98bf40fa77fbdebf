# Compiler flags of every target, and the two functions a folder of src/ is declared with.

option(FAIRLEAD_FUZZ "build the fuzz targets (clang with libFuzzer)" OFF)
option(FAIRLEAD_COUNTING "OFF: counters do nothing, to measure what counting costs" ON)
set(FAIRLEAD_SANITIZE "" CACHE STRING "value of -fsanitize=, empty for none")

add_library(fairlead_flags INTERFACE)
target_include_directories(fairlead_flags INTERFACE ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR})
target_compile_options(fairlead_flags INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Werror -fno-omit-frame-pointer)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # g++ 12 sees ghosts in inlined std::string and coroutine frames.
  target_compile_options(fairlead_flags INTERFACE -Wno-restrict -Wno-maybe-uninitialized -Wno-mismatched-new-delete
                                                  -Wno-stringop-overread -Wno-stringop-overflow -Wno-array-bounds
                                                  -Wno-dangling-pointer)
endif()
target_compile_definitions(fairlead_flags INTERFACE FAIRLEAD_VERSION="${PROJECT_VERSION}" BOOST_ALLOW_DEPRECATED_HEADERS)
if(NOT FAIRLEAD_COUNTING)
  target_compile_definitions(fairlead_flags INTERFACE FAIRLEAD_NO_COUNTING)
endif()
if(FAIRLEAD_SANITIZE)
  target_compile_options(fairlead_flags INTERFACE -fsanitize=${FAIRLEAD_SANITIZE} -fno-sanitize-recover=all)
  if(FAIRLEAD_SANITIZE MATCHES "undefined")
    # UBSan's vptr check opens a pipe to find out whether memory can be read. In the scenario that runs out of
    # descriptors it cannot, takes every object for broken and ends the process.
    target_compile_options(fairlead_flags INTERFACE -fno-sanitize=vptr)
  endif()
  target_link_options(fairlead_flags INTERFACE -fsanitize=${FAIRLEAD_SANITIZE})
endif()

# Headers of the standard library and of fmt are compiled once for everything, and once more with GoogleTest for the tests: 80
# and 120 MB each, and as many seconds as a dozen sources take.
if(NOT FAIRLEAD_FUZZ)  # clang's know the folder they were made in, and so would ccache's key of everything made with them
  set(pch_source ${PROJECT_BINARY_DIR}/pch.cc)
  file(CONFIGURE OUTPUT ${pch_source} CONTENT "// what a target that only has a header needs\n")
  add_library(fairlead_pch OBJECT ${pch_source})
  target_link_libraries(fairlead_pch PUBLIC fairlead_flags fmt::fmt)
  target_precompile_headers(fairlead_pch PRIVATE ${PROJECT_SOURCE_DIR}/cmake/pch.h)
  add_library(fairlead_pch_test OBJECT ${pch_source})
  target_link_libraries(fairlead_pch_test PUBLIC fairlead_flags fmt::fmt GTest::gtest GTest::gmock)
  target_precompile_headers(fairlead_pch_test PRIVATE ${PROJECT_SOURCE_DIR}/cmake/pch_test.h)
endif()

# fairlead_library(NAME DEPS... ) : one folder = one library. Sources are the folder's *.cc (and those of its
# sub-folders), less *_test.cc, which become the test program test_NAME.
function(fairlead_library name)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${name}/*.cc)
  set(tests ${sources})
  list(FILTER sources EXCLUDE REGEX "(_test|/testing/[a-z_]+|/main)\\.cc$")
  list(FILTER tests INCLUDE REGEX "(_test|/testing/[a-z_]+)\\.cc$")
  add_library(fl_${name} STATIC ${sources})
  target_link_libraries(fl_${name} PUBLIC fairlead_flags ${ARGN})
  if(FAIRLEAD_FUZZ)
    set_target_properties(fl_${name} PROPERTIES EXCLUDE_FROM_ALL ON)  # only what a fuzz target needs
  else()
    target_precompile_headers(fl_${name} REUSE_FROM fairlead_pch)
  endif()
  if(tests AND NOT FAIRLEAD_FUZZ)
    add_executable(test_${name} ${tests})
    target_link_libraries(test_${name} PRIVATE fl_${name} GTest::gtest GTest::gmock GTest::gtest_main)
    target_precompile_headers(test_${name} REUSE_FROM fairlead_pch_test)
    add_test(NAME ${name} COMMAND test_${name})
  endif()
endfunction()
