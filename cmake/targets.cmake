# What the layers add up to: the binary under its two names, the benches, and the list of unit tests.
if(EXISTS ${PROJECT_SOURCE_DIR}/pointsman/app/main.cc)
  add_executable(pointsman pointsman/app/main.cc)
  target_link_libraries(pointsman PRIVATE pointsman::app pointsman_warnings)
  add_dependencies(pointsman pointsman_otlp) # loaded at run time
  # Launch scripts written for the reference start a binary called `epp`; invoked so, ours is `pointsman epp`.
  add_custom_command(TARGET pointsman POST_BUILD VERBATIM
    COMMAND ${CMAKE_COMMAND} -E create_symlink pointsman ${PROJECT_BINARY_DIR}/epp)
endif()

get_property(benches GLOBAL PROPERTY POINTSMAN_BENCHES)
get_property(bench_layers GLOBAL PROPERTY POINTSMAN_BENCH_LAYERS)
if(benches)
  # The benches count allocations with the operator new of the tests.
  add_executable(pointsman_bench ${benches} pointsman/base/testing/allocations_test.cc)
  target_link_libraries(pointsman_bench PRIVATE ${bench_layers} pointsman_warnings benchmark::benchmark_main)
endif()

# The yardstick of bench/router.py: what the kernel charges for a relay.
add_executable(pointsman_bare_relay bench/bare_relay.cc)
target_link_libraries(pointsman_bare_relay PRIVATE pointsman_warnings Threads::Threads)

# Every fuzz target in one test binary that replays the corpus: their entry points get names of their
# own, and a generated table lists them.
get_property(replayed GLOBAL PROPERTY POINTSMAN_REPLAYED)
get_property(replayed_layers GLOBAL PROPERTY POINTSMAN_REPLAYED_LAYERS)
if(replayed)
  set(entries "")
  set(rows "")
  foreach(file IN LISTS replayed)
    cmake_path(GET file STEM target)
    string(REGEX REPLACE "_fuzz$" "" target ${target})
    set_source_files_properties(${file} PROPERTIES
      COMPILE_DEFINITIONS LLVMFuzzerTestOneInput=pointsman_fuzz_${target})
    string(APPEND entries "extern \"C\" int pointsman_fuzz_${target}(const std::uint8_t*, std::size_t);\n")
    string(APPEND rows "      {\"${target}\", pointsman_fuzz_${target}},\n")
  endforeach()
  file(GENERATE OUTPUT ${PROJECT_BINARY_DIR}/fuzz_targets.inc CONTENT
    "${entries}\nconst std::vector<FuzzTarget>& fuzz_targets() {\n  static const std::vector<FuzzTarget> all{\n${rows}  };\n  return all;\n}\n")
  add_executable(pointsman_fuzz_test tests/fuzz/replay_test.cc ${replayed}
                 ${PROJECT_BINARY_DIR}/fuzz_targets.inc)
  target_include_directories(pointsman_fuzz_test PRIVATE ${PROJECT_BINARY_DIR})
  target_compile_definitions(pointsman_fuzz_test PRIVATE
    POINTSMAN_CORPUS="${PROJECT_SOURCE_DIR}/tests/fuzz/corpus")
  target_compile_options(pointsman_fuzz_test PRIVATE -O0)
  target_link_libraries(pointsman_fuzz_test PRIVATE ${replayed_layers} pointsman_warnings GTest::gtest_main)
  set_property(GLOBAL APPEND PROPERTY POINTSMAN_TESTS pointsman_fuzz_test)
endif()

# `pointsman_tests` builds every unit test; tests.txt names their binaries for tests/run.py.
get_property(tests GLOBAL PROPERTY POINTSMAN_TESTS)
add_custom_target(pointsman_tests DEPENDS ${tests})
list(TRANSFORM tests REPLACE "(.+)" "$<TARGET_FILE:\\1>" OUTPUT_VARIABLE test_files)
list(JOIN test_files "\n" test_files)
file(GENERATE OUTPUT ${PROJECT_BINARY_DIR}/tests.txt CONTENT "${test_files}\n")

# `pointsman_fuzzers` builds every fuzz target; fuzzers.txt names their binaries for ./dev fuzz.
if(POINTSMAN_FUZZ)
  get_property(fuzzers GLOBAL PROPERTY POINTSMAN_FUZZERS)
  add_custom_target(pointsman_fuzzers DEPENDS ${fuzzers})
  list(TRANSFORM fuzzers REPLACE "(.+)" "$<TARGET_FILE:\\1>" OUTPUT_VARIABLE fuzzer_files)
  list(JOIN fuzzer_files "\n" fuzzer_files)
  file(GENERATE OUTPUT ${PROJECT_BINARY_DIR}/fuzzers.txt CONTENT "${fuzzer_files}\n")
endif()
