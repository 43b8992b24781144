#include "pointsman/wire/grpc_inflate.h"

#include <algorithm>
#include <zlib.h>

namespace pointsman {
namespace {

constexpr int kGzipOnly = 15 + 16;  // zlib: largest window, gzip header and checksum expected
constexpr std::size_t kStep = std::size_t{16} << 10U;

}  // namespace

Result<void> gunzip(std::string_view compressed, std::size_t max_size, ByteQueue& out) {
  z_stream stream{};
  if (inflateInit2(&stream, kGzipOnly) != Z_OK) return fail(Code::internal, "gzip: no memory");
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(compressed.data()));
  stream.avail_in = static_cast<uInt>(compressed.size());
  int status = Z_OK;
  const std::size_t before = out.size();
  while (status == Z_OK && out.size() - before <= max_size) {
    // One byte over the limit tells a message of exactly the limit from one that is too large.
    const std::span<char> room = out.reserve(std::min(kStep, max_size + 1 - (out.size() - before)));
    stream.next_out = reinterpret_cast<Bytef*>(room.data());
    stream.avail_out = static_cast<uInt>(room.size());
    status = inflate(&stream, Z_NO_FLUSH);
    out.commit(room.size() - stream.avail_out);
  }
  const bool rest = stream.avail_in > 0;
  inflateEnd(&stream);
  if (out.size() - before > max_size) return fail(Code::too_large, "gzip: too large");
  if (status != Z_STREAM_END || rest) return fail(Code::bad_request, "gzip: damaged");
  return {};
}

}  // namespace pointsman
