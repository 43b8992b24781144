#pragma once

#include <string>
#include <string_view>
#include <zlib.h>

#include "pointsman/base/bug.h"

namespace pointsman::testing {

// A gzip file of one member.
inline std::string gzipped(std::string_view plain) {
  constexpr int kGzip = 15 + 16;  // zlib: largest window, with gzip's header
  z_stream stream{};
  if (deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, kGzip, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
    bug("zlib cannot begin");
  }
  std::string out(deflateBound(&stream, plain.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(plain.data()));
  stream.avail_in = static_cast<uInt>(plain.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  if (deflate(&stream, Z_FINISH) != Z_STREAM_END) bug("zlib cannot end");
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

}  // namespace pointsman::testing
