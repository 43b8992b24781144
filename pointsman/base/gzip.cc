#include "pointsman/base/gzip.h"

#include <cstdint>
#include <limits>
#include <zlib.h>

namespace pointsman {
namespace {

constexpr int kGzipOnly = 15 + 16;        // zlib: largest window, gzip header and checksum expected
constexpr std::size_t kShortest = 18;     // header and trailer around nothing
constexpr std::size_t kMostRatio = 1032;  // what deflate can do at best (zlib's technical notes)

std::unexpected<Error> damaged() {
  return fail(Code::bad_request, "gzip: damaged");
}

}  // namespace

Result<std::size_t> gunzipped_size(std::string_view compressed, std::size_t most) {
  if (compressed.size() < kShortest) return damaged();
  std::size_t size = 0;  // the last four bytes, the lowest first
  for (std::size_t i = 0; i < 4; ++i) {
    const auto byte = static_cast<std::uint8_t>(compressed[compressed.size() - 1 - i]);
    size = size << 8U | byte;
  }
  if (size / kMostRatio > compressed.size()) return damaged();
  if (size > most) return fail(Code::too_large, "gzip: too large");
  return size;
}

Result<void> gunzip(std::string_view compressed, std::span<char> into) {
  z_stream stream{};
  if (inflateInit2(&stream, kGzipOnly) != Z_OK) return fail(Code::internal, "gzip: no memory");
  Bytef none = 0;  // zlib wants an address even for nothing
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(compressed.data()));
  stream.avail_in = static_cast<uInt>(compressed.size());
  stream.next_out = into.empty() ? &none : reinterpret_cast<Bytef*>(into.data());
  stream.avail_out = static_cast<uInt>(into.size());
  const int status = inflate(&stream, Z_FINISH);
  const bool whole = status == Z_STREAM_END && stream.avail_in == 0 && stream.avail_out == 0;
  inflateEnd(&stream);
  if (!whole) return damaged();
  return {};
}

std::optional<std::string> gzip(std::string_view text) {
  constexpr int kMemory = 8;  // zlib's own default
  if (text.size() > std::numeric_limits<uInt>::max()) return std::nullopt;
  z_stream stream{};
  if (deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, kGzipOnly, kMemory, Z_DEFAULT_STRATEGY) !=
      Z_OK) {
    return std::nullopt;
  }
  std::string out(deflateBound(&stream, text.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const int status = deflate(&stream, Z_FINISH);
  out.resize(out.size() - stream.avail_out);
  deflateEnd(&stream);
  if (status != Z_STREAM_END) return std::nullopt;
  return out;
}

}  // namespace pointsman
