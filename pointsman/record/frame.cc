#include "pointsman/record/frame.h"

#include "pointsman/record/bytes.h"

namespace pointsman {
namespace {

// 'P' 'F' and two bytes that are no text: where reading finds its way back after damage.
constexpr std::string_view kMark = "\xD1PF\xB5";
constexpr std::size_t kBefore = 9;  // mark, kind, size
constexpr std::size_t kAfter = 4;   // check

// The frame at the beginning of `bytes`, if there is a whole one.
std::optional<FrameReader::Frame> frame_at(std::string_view bytes) {
  if (!bytes.starts_with(kMark)) return std::nullopt;
  ByteReader in(bytes.substr(kMark.size()));
  FrameReader::Frame frame{.kind = in.u8()};
  const std::uint32_t size = in.u32();
  if (!in.ok() || size > kMaxFrame) return std::nullopt;
  frame.payload = in.bytes(size);
  const std::uint32_t check = in.u32();
  if (!in.ok() || check != frame_check(frame.kind, frame.payload)) return std::nullopt;
  return frame;
}

}  // namespace

std::string record_head() {
  std::string head(kRecordMagic);
  ByteWriter out(head);
  out.u32(kRecordVersion);
  out.u32(0);
  return head;
}

std::optional<std::string> wrong_head(std::string_view bytes) {
  if (bytes.size() < kRecordHeadBytes || !bytes.starts_with(kRecordMagic)) {
    return "not a decision record of Pointsman";
  }
  ByteReader in(bytes.substr(kRecordMagic.size()));
  const std::uint32_t version = in.u32();
  if (version == kRecordVersion) return std::nullopt;
  return "a decision record of version " + std::to_string(version) + "; this build reads version " +
         std::to_string(kRecordVersion);
}

void append_frame(FrameKind kind, std::string_view payload, std::string& out) {
  const auto number = static_cast<std::uint8_t>(kind);
  out.append(kMark);
  ByteWriter writer(out);
  writer.u8(number);
  writer.u32(static_cast<std::uint32_t>(payload.size()));
  out.append(payload);
  writer.u32(frame_check(number, payload));
}

std::optional<FrameReader::Frame> FrameReader::next() {
  bool damaged = false;
  while (!left_.empty()) {
    if (const auto frame = frame_at(left_)) {
      left_.remove_prefix(kBefore + frame->payload.size() + kAfter);
      return frame;
    }
    if (!damaged) ++damages_;
    damaged = true;
    const std::size_t mark = left_.find(kMark, 1);
    const std::size_t skipped = mark == std::string_view::npos ? left_.size() : mark;
    damaged_bytes_ += skipped;
    left_.remove_prefix(skipped);
  }
  return std::nullopt;
}

}  // namespace pointsman
