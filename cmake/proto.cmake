# pointsman::proto: protobuf's own classes for the messages of proto/, which tests compare our
# hand-written codec with. The product itself reads and writes these messages without protobuf.
set(proto_dir ${PROJECT_SOURCE_DIR}/proto)
file(GLOB_RECURSE protos RELATIVE ${proto_dir} CONFIGURE_DEPENDS ${proto_dir}/*.proto)
set(proto_out ${PROJECT_BINARY_DIR}/proto)
file(MAKE_DIRECTORY ${proto_out})
list(TRANSFORM protos REPLACE "(.+)\\.proto$" "${proto_out}/\\1.pb.cc" OUTPUT_VARIABLE proto_sources)
list(TRANSFORM protos REPLACE "(.+)\\.proto$" "${proto_out}/\\1.pb.h" OUTPUT_VARIABLE proto_headers)
list(TRANSFORM protos PREPEND ${proto_dir}/ OUTPUT_VARIABLE proto_files)
add_custom_command(
  OUTPUT ${proto_sources} ${proto_headers}
  COMMAND protobuf::protoc --proto_path=${proto_dir} --cpp_out=${proto_out} ${proto_files}
  DEPENDS ${proto_files} VERBATIM)
add_library(pointsman_proto STATIC ${proto_sources})
add_library(pointsman::proto ALIAS pointsman_proto)
target_include_directories(pointsman_proto SYSTEM PUBLIC ${proto_out})
target_link_libraries(pointsman_proto PUBLIC protobuf::libprotobuf)
if(CMAKE_CXX_FLAGS MATCHES "sanitize=thread")
  target_include_directories(pointsman_proto SYSTEM BEFORE PUBLIC ${PROJECT_SOURCE_DIR}/cmake/tsan)
endif()
