#include "pointsman/record/record_reader.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

#include "pointsman/record/bytes.h"
#include "pointsman/record/fleet_frame.h"

namespace pointsman {
namespace {

// As many as a writer refers to, and some more.
constexpr std::size_t kKnownFleets = 128;
constexpr std::size_t kKnownPipelines = 256;

}  // namespace

Result<RecordReader> RecordReader::open(std::string_view bytes) {
  if (const auto wrong = wrong_head(bytes)) return fail(Code::invalid_config, *wrong);
  return RecordReader(bytes.substr(kRecordHeadBytes));
}

RecordReader::RecordReader(std::string_view bytes) : size_(bytes.size()), frames_(bytes) {}

RecordReader::Found RecordReader::next(RecordedDecision& into) {
  const FrameContext context{[this](std::uint64_t n) { return pipeline(n); },
                             [this](std::uint64_t n) { return fleet(n); }};
  while (const auto frame = frames_.next()) {
    bool sound = true;
    switch (static_cast<FrameKind>(frame->kind)) {
      case FrameKind::pipeline:
        sound = take_pipeline(frame->payload);
        break;
      case FrameKind::fleet:
        sound = take_fleet(frame->payload);
        break;
      case FrameKind::outcome:
        sound = decode_outcome(frame->payload, outcome_.first, outcome_.second);
        if (!sound) break;
        ++counts_.outcomes;
        return Found::outcome;
      case FrameKind::decision: {
        const Decoded decoded = decode_decision(frame->payload, context, into);
        if (decoded == Decoded::whole) {
          ++counts_.decisions;
          return Found::decision;
        }
        sound = decoded != Decoded::damaged;
        if (sound) ++counts_.orphans;
        break;
      }
      case FrameKind::end: {
        ByteReader in(frame->payload);
        in.varint();
        counts_.dropped = in.varint();
        counts_.complete = in.ok();
        break;
      }
      case FrameKind::process:
        break;
    }
    if (!sound) ++counts_.damaged;
  }
  return Found::end;
}

bool RecordReader::take_pipeline(std::string_view payload) {
  std::uint64_t number = 0;
  RecordedPipeline made;
  if (!decode_pipeline(payload, number, made)) return false;
  pipelines_.emplace_back(number, std::move(made));
  if (pipelines_.size() > kKnownPipelines) pipelines_.pop_front();
  return true;
}

bool RecordReader::take_fleet(std::string_view payload) {
  ByteReader in(payload);
  const std::uint64_t number = in.varint();
  const std::uint64_t base = in.varint();
  if (!in.ok()) return false;
  std::shared_ptr<const Fleet> before;
  if (base > 0) {
    before = fleet(base - 1);
    if (before == nullptr) return true;  // its decisions will be orphans
  }
  auto made = decode_fleet(in.bytes(in.left()), before.get());
  if (made == nullptr) return false;
  fleets_.emplace_back(number, std::move(made));
  if (fleets_.size() > kKnownFleets) fleets_.pop_front();
  return true;
}

const RecordedPipeline* RecordReader::pipeline(std::uint64_t number) const {
  const auto found = std::find_if(pipelines_.rbegin(), pipelines_.rend(),
                                  [&](const auto& p) { return p.first == number; });
  return found == pipelines_.rend() ? nullptr : &found->second;
}

std::shared_ptr<const Fleet> RecordReader::fleet(std::uint64_t number) const {
  const auto found = std::find_if(fleets_.rbegin(), fleets_.rend(),
                                  [&](const auto& f) { return f.first == number; });
  return found == fleets_.rend() ? nullptr : found->second;
}

RecordReader::Counts RecordReader::counts() const {
  Counts counts = counts_;
  counts.damaged += frames_.damages();
  return counts;
}

double RecordReader::progress() const {
  if (size_ == 0) return 1.0;
  return 1.0 - static_cast<double>(frames_.left()) / static_cast<double>(size_);
}

Result<MappedFile> MappedFile::open(const std::string& path) {
  const auto failed = [&] {
    return fail(Code::io, path + ": " + std::error_code(errno, std::generic_category()).message());
  };
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return failed();
  struct stat facts{};
  void* at = MAP_FAILED;
  const bool known = fstat(fd, &facts) == 0;
  const auto size = static_cast<std::size_t>(facts.st_size);
  if (known && size > 0) at = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd, 0);
  const int error = errno;
  ::close(fd);
  if (known && size == 0) return MappedFile({});
  errno = error;
  if (at == MAP_FAILED) return failed();
  madvise(at, size, MADV_SEQUENTIAL);
  return MappedFile({static_cast<const char*>(at), size});
}

MappedFile::~MappedFile() {
  if (!bytes_.empty()) munmap(const_cast<char*>(bytes_.data()), bytes_.size());
}

}  // namespace pointsman
