#include "pointsman/app/replay.h"

#include <algorithm>
#include <atomic>
#include <barrier>
#include <cmath>
#include <map>
#include <memory>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "pointsman/app/replay_pipeline.h"
#include "pointsman/app/text_table.h"

namespace pointsman {
namespace {

constexpr std::size_t kBatch = 1024;
constexpr std::size_t kMostRows = 12;

enum class Verdict : std::uint8_t { skipped, identical, different };

// A recorded pipeline, built again.
struct Bound {
  std::unique_ptr<ReplayPipeline> pipeline;
  ReplayPipeline::Binding binding;
};

bool same_runs(const Decision& a, const Decision& b) {
  if (a.primary != b.primary || a.runs.size() != b.runs.size()) return false;
  for (std::size_t i = 0; i < a.runs.size(); ++i) {
    const ProfileRun& x = a.runs[i];
    const ProfileRun& y = b.runs[i];
    const bool same = a.plan->profiles[x.profile].name == b.plan->profiles[y.profile].name &&
                      x.failed == y.failed &&
                      std::ranges::equal(a.candidates_of(x), b.candidates_of(y)) &&
                      std::ranges::equal(a.picks_of(x), b.picks_of(y));
    if (!same) return false;
  }
  return true;
}

// One thread's share of the work. Pipelines are built once and shared.
class Judge {
 public:
  Verdict judge(const Bound& bound, const RecordedDecision& recorded) {
    ReplayWorker& worker = worker_of(bound);
    if (!worker.decide(bound.binding, recorded)) return Verdict::skipped;
    hashes_.row_hashes.clear();
    hashes_.total_hashes.clear();
    hash_rows(worker.decision(), hashes_.row_hashes, hashes_.total_hashes);
    const bool same = same_runs(recorded.decision, worker.decision()) &&
                      hashes_.row_hashes == recorded.row_hashes &&
                      hashes_.total_hashes == recorded.total_hashes;
    return same ? Verdict::identical : Verdict::different;
  }
  const Decision& decision(const Bound& bound) { return worker_of(bound).decision(); }
  const RecordedDecision& hashes() const { return hashes_; }

 private:
  ReplayWorker& worker_of(const Bound& bound) {
    auto& worker = workers_[&bound];
    if (worker == nullptr) worker = std::make_unique<ReplayWorker>(*bound.pipeline);
    return *worker;
  }

  std::map<const Bound*, std::unique_ptr<ReplayWorker>> workers_;
  RecordedDecision hashes_;
};

// The names of a run's picks.
std::string picks_text(const Decision& d, const ProfileRun& run) {
  std::string out;
  for (const EndpointIndex e : d.picks_of(run)) out += (out.empty() ? "" : ", ") + (*d.fleet)[e].id;
  return out.empty() ? "nobody" : out;
}

// The scores of one run side by side: recorded | replayed, a star where the exact rows differ.
std::string run_table(const RecordedDecision& recorded, const Decision& now,
                      const std::vector<bool>& rows_differ, std::size_t index) {
  const Decision& was = recorded.decision;
  const ProfileRun& old_run = was.runs[index];
  const ProfileRun& new_run = now.runs[index];
  const Plan::Profile& profile = was.plan->profiles[old_run.profile];
  const std::size_t scorers =
      std::min(profile.scorers.size(), now.plan->profiles[new_run.profile].scorers.size());
  std::vector<std::vector<std::string>> rows{{"  endpoint"}};
  for (std::size_t s = 0; s < scorers; ++s) {
    rows[0].push_back(profile.scorers[s].name.name + (rows_differ[s] ? " *" : ""));
    rows[0].emplace_back("now");
  }
  rows[0].insert(rows[0].end(), {"total", "now"});
  const std::size_t n = std::min(old_run.candidates, new_run.candidates);
  for (std::size_t i = 0; i < n && i < kMostRows; ++i) {
    auto& row = rows.emplace_back();
    row.push_back("  " + (*was.fleet)[was.candidates_of(old_run)[i]].id);
    for (std::size_t s = 0; s < scorers; ++s) {
      row.push_back(fmt::format("{:.6g}", was.scores_of(old_run, s)[i]));
      row.push_back(fmt::format("{:.6g}", now.scores_of(new_run, s)[i]));
    }
    row.push_back(fmt::format("{:.6g}", was.totals_of(old_run)[i]));
    row.push_back(fmt::format("{:.6g}", now.totals_of(new_run)[i]));
  }
  std::string out = text_table(rows, Align::right);
  if (n > kMostRows) out += fmt::format("  ... and {} more\n", n - kMostRows);
  return out + "  picked: " + picks_text(was, old_run) + "; now: " + picks_text(now, new_run) +
         "\n";
}

// What is different, as a table.
std::string difference(const RecordedDecision& recorded, const Decision& now,
                       const RecordedDecision& hashes, std::size_t number) {
  const Decision& was = recorded.decision;
  std::string out = fmt::format("first difference: decision {} (number {}), request {}\n",
                                decision_id_text(was.id), grouped(number + 1), was.request_id);
  if (was.runs.size() != now.runs.size()) {
    return out + fmt::format("  {} profiles ran; now {}\n", was.runs.size(), now.runs.size());
  }
  std::size_t row = 0;
  for (std::size_t i = 0; i < was.runs.size(); ++i) {
    const std::string& name = was.plan->profiles[was.runs[i].profile].name;
    const std::size_t scorers =
        was.runs[i].failed ? 0 : was.plan->profiles[was.runs[i].profile].scorers.size();
    std::vector<bool> differ(scorers);
    for (std::size_t s = 0; s < scorers; ++s, ++row) {
      differ[s] = row >= hashes.row_hashes.size() || row >= recorded.row_hashes.size() ||
                  hashes.row_hashes[row] != recorded.row_hashes[row];
    }
    if (was.runs[i].failed || now.runs[i].failed) {
      out += fmt::format("profile {}: filters left nobody then: {}; now: {}\n", name,
                         was.runs[i].failed, now.runs[i].failed);
      continue;
    }
    if (!std::ranges::equal(was.candidates_of(was.runs[i]), now.candidates_of(now.runs[i]))) {
      out += fmt::format("profile {}: {} endpoints passed the filters; now {}\n", name,
                         was.runs[i].candidates, now.runs[i].candidates);
      continue;
    }
    out += "profile " + name + "\n" + run_table(recorded, now, differ, i);
  }
  return out;
}

// Everything a replay holds while it runs.
class Replay {
 public:
  explicit Replay(const RecordReplayOptions& options)
      : config_file_(options.config_file),
        threads_(options.threads > 0 ? options.threads
                                     : std::max(1U, std::thread::hardware_concurrency())),
        judges_(threads_) {}

  Result<ReplayReport> run(RecordFiles& files) {
    ReplayReport report;
    ProgressLine progress("replaying");
    std::barrier begin(static_cast<std::ptrdiff_t>(threads_));
    std::barrier end(static_cast<std::ptrdiff_t>(threads_));
    std::vector<std::jthread> team;
    std::atomic<bool> over = false;
    for (std::size_t t = 1; t < threads_; ++t) {
      team.emplace_back([&, t] {
        for (begin.arrive_and_wait(); !over; begin.arrive_and_wait()) {
          work(t);
          end.arrive_and_wait();
        }
      });
    }
    Result<void> outcome;
    while (true) {
      count_ = files.next(batch_);
      if (count_ > 0) outcome = bind();
      over = count_ == 0 || !outcome;
      next_ = 0;
      begin.arrive_and_wait();
      if (over) break;
      work(0);
      end.arrive_and_wait();
      add_up(report);
      progress.show(files.progress(), report.identical + report.different + report.skipped);
    }
    if (!outcome) return std::unexpected(outcome.error());
    report.record = files.totals();
    return report;
  }

 private:
  // Builds the pipelines of this batch that are new.
  Result<void> bind() {
    bound_of_.assign(count_, nullptr);
    for (std::size_t i = 0; i < count_; ++i) {
      const auto& schema = batch_[i].decision.inputs.schema;
      auto& bound = bounds_[schema];
      if (bound == nullptr) {
        bound = std::make_unique<Bound>();
        auto made = config_file_.empty() ? ReplayPipeline::make(schema->config)
                                         : ReplayPipeline::from_file(config_file_);
        if (!made) {
          return fail(Code::invalid_config,
                      (config_file_.empty() ? "the recorded configuration" : config_file_) + ": " +
                          made.error().message);
        }
        bound->pipeline = *std::move(made);
        bound->binding = bound->pipeline->bind(*schema);
      }
      bound_of_[i] = bound.get();
    }
    return {};
  }

  void work(std::size_t thread) {
    for (std::size_t i = next_++; i < count_; i = next_++) {
      verdicts_[i] = judges_[thread].judge(*bound_of_[i], batch_[i]);
    }
  }

  void add_up(ReplayReport& report) {
    for (std::size_t i = 0; i < count_; ++i) {
      if (verdicts_[i] == Verdict::skipped) ++report.skipped;
      if (verdicts_[i] == Verdict::identical) ++report.identical;
      if (verdicts_[i] != Verdict::different) continue;
      if (report.different++ > 0) continue;
      (void)judges_[0].judge(*bound_of_[i], batch_[i]);
      report.first = difference(batch_[i], judges_[0].decision(*bound_of_[i]), judges_[0].hashes(),
                                report.identical + report.skipped);
    }
  }

  const std::string config_file_;
  const std::size_t threads_;
  std::vector<Judge> judges_;
  std::map<std::shared_ptr<const InputSchema>, std::unique_ptr<Bound>> bounds_;
  std::vector<RecordedDecision> batch_{kBatch};
  std::vector<Verdict> verdicts_ = std::vector<Verdict>(kBatch);
  std::vector<const Bound*> bound_of_;
  std::size_t count_ = 0;
  std::atomic<std::size_t> next_ = 0;
};

}  // namespace

Result<ReplayReport> replay(const RecordReplayOptions& options) {
  POINTSMAN_TRY(files, RecordFiles::open(options.paths));
  return Replay(options).run(files);
}

std::string to_text(const ReplayReport& report) {
  std::string out =
      fmt::format("{} of {} decisions are identical ({} files)\n", grouped(report.identical),
                  grouped(report.record.decisions), report.record.files);
  if (report.skipped > 0) {
    out += fmt::format(
        "{} were not replayed: nothing was scheduled for them, or their inputs were too long\n",
        grouped(report.skipped));
  }
  out += to_text(report.record);
  if (report.different > 0) {
    out += fmt::format("{} differ\n\n", grouped(report.different)) + report.first;
  }
  return out;
}

}  // namespace pointsman
