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
