# What nearly every file includes. Reading it takes more than half of the time of a small file.
set(pointsman_std <algorithm> <array> <chrono> <cstdint> <expected> <functional> <map> <memory> <optional>
                  <span> <string> <string_view> <tuple> <utility> <vector>)

# pointsman_precompile(<target> <family> <header>...): the targets of a family have the same compiler
# options and share one precompiled header.
function(pointsman_precompile target family)
  get_property(first GLOBAL PROPERTY POINTSMAN_PRECOMPILED_${family})
  if(first)
    target_precompile_headers(${target} REUSE_FROM ${first})
  else()
    target_precompile_headers(${target} PRIVATE ${ARGN})
    set_property(GLOBAL PROPERTY POINTSMAN_PRECOMPILED_${family} ${target})
  endif()
endfunction()

# pointsman_layer(<name> [MODULE] [HOT] [USES <layer>...] [LINKS <target>...] [TEST_LINKS <target>...]
#                 [PRECOMPILE <header>...])
#
# One layer = one folder under pointsman/ = one static library pointsman::<name>.
# USES is both the link line and the include law: the layer may include its
# own headers and those of the layers named here, and nothing else of ours.
# LINKS are the third-party targets it owns; only its .cc files include them.
# TEST_LINKS are targets that only its tests need.
# MODULE: not a library but pointsman-<name>.so beside the binary, loaded at run time.
# It links nothing of ours: of its USES it may only take what is in headers.
# HOT: its loops run once per endpoint and request, and are vectorised.
# PRECOMPILE names heavy third-party headers that many of its files include, beside the usual ones.
# Files are found by suffix: _test.cc goes to pointsman_<name>_test, _bench.cc to
# pointsman_bench, each _fuzz.cc to a binary of its own (preset fuzz) and otherwise to the test that
# replays tests/fuzz/corpus, everything else to the library.
function(pointsman_layer name)
  cmake_parse_arguments(ARG "MODULE;HOT" "" "USES;LINKS;TEST_LINKS;PRECOMPILE" ${ARGN})
  set(dir ${PROJECT_SOURCE_DIR}/pointsman/${name})
  file(GLOB_RECURSE all CONFIGURE_DEPENDS ${dir}/*.cc)
  file(GLOB_RECURSE headers CONFIGURE_DEPENDS ${dir}/*.h)
  set(sources ${all})
  set(tests ${all})
  set(benches ${all})
  set(fuzzers ${all})
  list(FILTER sources EXCLUDE REGEX "_(test|bench|fuzz)\\.cc$|/main\\.cc$")
  list(FILTER tests INCLUDE REGEX "_test\\.cc$")
  list(FILTER benches INCLUDE REGEX "_bench\\.cc$")
  list(FILTER fuzzers INCLUDE REGEX "_fuzz\\.cc$")

  if(NOT all AND NOT headers)
    add_library(pointsman_${name} INTERFACE)
    add_library(pointsman::${name} ALIAS pointsman_${name})
    return()
  endif()
  list(TRANSFORM ARG_USES PREPEND pointsman:: OUTPUT_VARIABLE used_layers)
  if(ARG_MODULE)
    add_library(pointsman_${name} MODULE ${sources} ${headers})
    set_target_properties(pointsman_${name} PROPERTIES PREFIX "" OUTPUT_NAME pointsman-${name}
                          CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
    target_link_libraries(pointsman_${name} PRIVATE pointsman_warnings ${ARG_LINKS})
    set(tested_libraries ${used_layers} ${ARG_LINKS})
  else()
    add_library(pointsman_${name} STATIC ${sources} ${headers})
    add_library(pointsman::${name} ALIAS pointsman_${name})
    set_target_properties(pointsman_${name} PROPERTIES LINKER_LANGUAGE CXX)
    target_link_libraries(pointsman_${name} PRIVATE pointsman_warnings PUBLIC ${ARG_LINKS} ${used_layers})
    set(tested_libraries pointsman::${name})
  endif()
  target_include_directories(pointsman_${name} PUBLIC ${PROJECT_SOURCE_DIR})
  if(ARG_HOT)
    # Loops over endpoints: worth vectorising. Nothing asks whether an operation on NaN traps.
    target_compile_options(pointsman_${name} PRIVATE 
      $<$<CONFIG:Release>:-ftree-vectorize -fvect-cost-model=dynamic -fno-trapping-math>)
  endif()

  if(ARG_MODULE OR ARG_HOT OR ARG_PRECOMPILE) # other compiler options than the rest
    target_precompile_headers(pointsman_${name} PRIVATE ${pointsman_std} ${ARG_PRECOMPILE})
  else()
    pointsman_precompile(pointsman_${name} plain ${pointsman_std})
  endif()

  set(stamp ${PROJECT_BINARY_DIR}/layers/${name}.ok)
  add_custom_command(
    OUTPUT ${stamp}
    COMMAND ${CMAKE_COMMAND} -DDIR=${dir} "-DALLOWED=${name};${ARG_USES}" -DSTAMP=${stamp}
            -P ${PROJECT_SOURCE_DIR}/cmake/check_includes.cmake
    DEPENDS ${all} ${headers} ${PROJECT_SOURCE_DIR}/cmake/check_includes.cmake
    VERBATIM)
  add_custom_target(pointsman_${name}_includes DEPENDS ${stamp})
  add_dependencies(pointsman_${name} pointsman_${name}_includes)

  if(tests AND BUILD_TESTING)
    # Every test binary counts allocations with the same operator new.
    list(APPEND tests ${PROJECT_SOURCE_DIR}/pointsman/base/testing/allocations_test.cc)
    list(REMOVE_DUPLICATES tests)
    add_executable(pointsman_${name}_test ${tests})
    target_link_libraries(pointsman_${name}_test PRIVATE ${tested_libraries} pointsman_warnings
                          ${ARG_TEST_LINKS} GTest::gtest_main)
    # The optimiser takes a third of the time that a test file compiles, and GCC 12 sees overruns
    # that are none in strings that it has inlined.
    target_compile_options(pointsman_${name}_test PRIVATE -O0)
    pointsman_precompile(pointsman_${name}_test test <gtest/gtest.h> ${pointsman_std})
    add_dependencies(pointsman_${name}_test pointsman_${name})
    set_property(GLOBAL APPEND PROPERTY POINTSMAN_TESTS pointsman_${name}_test)
  endif()
  if(POINTSMAN_FUZZ)
    foreach(fuzzer IN LISTS fuzzers)
      cmake_path(GET fuzzer STEM target)
      add_executable(${target} ${fuzzer})
      target_link_libraries(${target} PRIVATE pointsman::${name} pointsman_warnings -fsanitize=fuzzer)
      set_property(GLOBAL APPEND PROPERTY POINTSMAN_FUZZERS ${target})
    endforeach()
  endif()
  if(fuzzers AND BUILD_TESTING)
    set_property(GLOBAL APPEND PROPERTY POINTSMAN_REPLAYED ${fuzzers})
    set_property(GLOBAL APPEND PROPERTY POINTSMAN_REPLAYED_LAYERS pointsman::${name})
  endif()
  if(benches)
    set_property(GLOBAL APPEND PROPERTY POINTSMAN_BENCHES ${benches})
    set_property(GLOBAL APPEND PROPERTY POINTSMAN_BENCH_LAYERS pointsman::${name})
  endif()
endfunction()
