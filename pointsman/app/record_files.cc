#include "pointsman/app/record_files.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <system_error>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>

namespace pointsman {
namespace {

// The record files a path means, oldest first.
Result<std::vector<std::string>> expanded(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::is_directory(path, error)) return std::vector<std::string>{path};
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(path, error)) {
    if (entry.path().extension() == ".pmr") files.push_back(entry.path().string());
  }
  if (files.empty()) return fail(Code::io, path + ": no *.pmr files in this folder");
  std::ranges::sort(files);
  return files;
}

}  // namespace

Result<RecordFiles> RecordFiles::open(const std::vector<std::string>& paths) {
  RecordFiles all;
  for (const std::string& path : paths) {
    POINTSMAN_TRY(files, expanded(path));
    for (const std::string& file : files) {
      POINTSMAN_TRY(mapped, MappedFile::open(file));
      if (const auto wrong = wrong_head(mapped.bytes())) {
        return fail(Code::invalid_config, file + ": " + *wrong);
      }
      all.files_.push_back(std::move(mapped));
    }
  }
  all.totals_.files = all.files_.size();
  return all;
}

bool RecordFiles::next_file() {
  if (at_ >= files_.size()) return false;
  auto reader = RecordReader::open(files_[at_].bytes());
  if (!reader) return false;  // open() has looked at the head
  reader_.emplace(*std::move(reader));
  return true;
}

void RecordFiles::count_file() {
  const RecordReader::Counts counts = reader_->counts();
  totals_.damaged += counts.damaged;
  totals_.orphans += counts.orphans;
  totals_.incomplete += counts.complete ? 0 : 1;
  totals_.dropped = std::max(totals_.dropped, counts.dropped);
  reader_.reset();
  ++at_;
}

std::size_t RecordFiles::next(std::vector<RecordedDecision>& into) {
  std::size_t n = 0;
  while (n < into.size()) {
    if (!reader_ && !next_file()) break;
    const auto found = reader_->next(into[n]);
    if (found == RecordReader::Found::decision) {
      ++n;
    } else if (found == RecordReader::Found::outcome) {
      ++totals_.finished;
      totals_.cached_tokens += std::max<std::int64_t>(0, reader_->outcome().second.cached_tokens);
    } else {
      count_file();
    }
  }
  totals_.decisions += n;
  return n;
}

RecordTotals RecordFiles::totals() const {
  return totals_;
}

double RecordFiles::progress() const {
  double read = 0.0;
  double all = 0.0;
  for (std::size_t i = 0; i < files_.size(); ++i) {
    const auto size = static_cast<double>(files_[i].bytes().size());
    all += size;
    if (i < at_) read += size;
    if (i == at_ && reader_) read += size * reader_->progress();
  }
  return all > 0 ? read / all : 1.0;
}

std::string to_text(const RecordTotals& totals) {
  std::string out;
  if (totals.damaged > 0)
    out += fmt::format("{} damaged places were passed over\n", totals.damaged);
  if (totals.orphans > 0) {
    out += fmt::format("{} decisions could not be read: what they refer to is damaged\n",
                       grouped(totals.orphans));
  }
  if (totals.incomplete > 0) {
    out += fmt::format(
        "{} of {} files were not closed in order: the router still writes, or was "
        "killed\n",
        totals.incomplete, totals.files);
  }
  if (totals.dropped > 0) {
    out += fmt::format("the router itself could not record {} decisions or outcomes\n",
                       grouped(totals.dropped));
  }
  return out;
}

ProgressLine::ProgressLine(std::string what)
    : what_(std::move(what)), terminal_(isatty(STDERR_FILENO) == 1), next_(Clock::now()) {}

ProgressLine::~ProgressLine() {
  if (shown_) std::fputs("\r\033[K", stderr);
}

void ProgressLine::show(double share, std::size_t decisions) {
  const auto now = Clock::now();
  if (!terminal_ || now < next_) return;
  next_ = now + std::chrono::milliseconds(200);
  shown_ = true;
  fmt::print(stderr, "\r{} {} decisions, {:.0f} %", what_, grouped(decisions), share * 100);
  std::fflush(stderr);
}

std::string grouped(std::uint64_t number) {
  std::string digits = std::to_string(number);
  for (std::size_t i = digits.size(); i > 3; i -= 3) digits.insert(i - 3, 1, ',');
  return digits;
}

}  // namespace pointsman
