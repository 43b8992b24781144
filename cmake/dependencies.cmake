# Everything from outside, once. Debian packages: see `packages` in ./dev; reasons: docs/adr/0002.
find_package(Threads REQUIRED)
find_package(yaml-cpp REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(ZLIB REQUIRED)
find_package(Protobuf REQUIRED)
find_package(fmt REQUIRED)
find_package(nlohmann_json REQUIRED)
find_library(POINTSMAN_NGHTTP2 nghttp2 REQUIRED)
find_package(GTest REQUIRED)
find_package(benchmark REQUIRED)

add_library(pointsman_warnings INTERFACE)
target_compile_options(pointsman_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wnon-virtual-dtor -Wold-style-cast -Werror
  -Wno-missing-field-initializers)  # designated initialisers name what differs from the defaults

add_library(nghttp2 INTERFACE)
target_link_libraries(nghttp2 INTERFACE ${POINTSMAN_NGHTTP2})

# xxHash as inline functions: most calls hash 16 bytes.
find_path(POINTSMAN_XXHASH xxhash.h REQUIRED)
add_library(pointsman_xxhash INTERFACE)
target_compile_definitions(pointsman_xxhash INTERFACE XXH_INLINE_ALL)

# What the OTLP exporters of OpenTelemetry C++ (bookworm-backports) are made of: encoding, gRPC stubs, HTTP client.
# The two definitions are those it was built with; without the first, its variant would be another type.
add_library(pointsman_otel INTERFACE)
foreach(lib opentelemetry_otlp_recordable opentelemetry_proto_grpc opentelemetry_proto opentelemetry_resources
            opentelemetry_common opentelemetry_http_client_curl grpc++ protobuf)
  find_library(POINTSMAN_OTEL_${lib} ${lib} REQUIRED)
  target_link_libraries(pointsman_otel INTERFACE ${POINTSMAN_OTEL_${lib}})
endforeach()
target_compile_definitions(pointsman_otel INTERFACE HAVE_ABSEIL OPENTELEMETRY_ABI_VERSION_NO=1)

find_program(POINTSMAN_MOLD mold)
if(POINTSMAN_MOLD)
  add_link_options(-fuse-ld=mold)
endif()
find_program(POINTSMAN_CCACHE ccache)
if(POINTSMAN_CCACHE)
  # Told so, it caches files with precompiled headers too.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros
      ${POINTSMAN_CCACHE})
  add_compile_options($<$<COMPILE_LANG_AND_ID:CXX,GNU>:-fpch-preprocess>)
endif()
