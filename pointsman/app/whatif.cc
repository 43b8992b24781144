#include "pointsman/app/whatif.h"

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "pointsman/app/replay_pipeline.h"
#include "pointsman/app/text_table.h"

namespace pointsman {
namespace {

constexpr std::size_t kBatch = 256;
constexpr std::size_t kMostRows = 24;

std::optional<EndpointIndex> first_target(const Decision& d) {
  const auto targets = d.targets();
  return targets.empty() ? std::nullopt : std::optional(targets[0]);
}

// The total of an endpoint in the primary run, if it was a candidate.
std::optional<double> total_of(const Decision& d, EndpointIndex e) {
  if (d.primary < 0) return std::nullopt;
  const ProfileRun& run = d.runs[static_cast<std::size_t>(d.primary)];
  const auto candidates = d.candidates_of(run);
  const auto at = std::ranges::find(candidates, e);
  if (at == candidates.end()) return std::nullopt;
  return d.totals_of(run)[static_cast<std::size_t>(at - candidates.begin())];
}

class WhatIf {
 public:
  WhatIf(const ReplayPipeline& pipeline, WhatIfReport& report)
      : pipeline_(pipeline), worker_(pipeline), report_(report) {}

  void judge(const RecordedDecision& recorded) {
    const ReplayPipeline::Binding& binding = bind(recorded.decision.inputs.schema);
    if (!worker_.decide(binding, recorded)) {
      ++report_.skipped;
      return;
    }
    ++report_.judged;
    const Decision& was = recorded.decision;
    const auto then = first_target(was);
    const auto now = first_target(worker_.decision());
    if (then) ++share(was, *then).then;
    if (now) ++share(was, *now).now;
    if (!then && now) ++report_.nobody_then;
    if (then && !now) ++report_.nobody_now;
    if (then && now) compare(was, *then, *now, binding);
  }

 private:
  void compare(const Decision& was, EndpointIndex then, EndpointIndex now,
               const ReplayPipeline::Binding& binding) {
    const auto old_total = total_of(worker_.decision(), then);
    const auto new_total = total_of(worker_.decision(), now);
    const double regret = old_total && new_total ? std::max(0.0, *new_total - *old_total) : 0.0;
    if (old_total) {
      WhatIfReport::Share& at = share(was, then);
      at.regret += regret;
      ++at.judged;
      report_.regret += regret;
    }
    if (then != now) {
      ++report_.changed;
      if (!old_total) ++report_.filtered;
      if (old_total && *old_total == *new_total) ++report_.redrawn;
    }
    const std::int64_t before = worker_.predicted(binding, then);
    const std::int64_t after = worker_.predicted(binding, now);
    if (before < 0 || after < 0) return;
    ++report_.known_prefixes;
    report_.predicted_then += before;
    report_.predicted_now += after;
  }

  // Endpoints are told apart by their identity; a decision mostly has that of the one before.
  WhatIfReport::Share& share(const Decision& d, EndpointIndex e) {
    if (d.fleet->identities() != identities_) {
      identities_ = d.fleet->identities();
      shares_.assign(identities_->size(), nullptr);
    }
    WhatIfReport::Share*& found = shares_[e];
    if (found == nullptr) found = &report_.shares[(*d.fleet)[e].id];
    return *found;
  }

  const ReplayPipeline::Binding& bind(const std::shared_ptr<const InputSchema>& schema) {
    if (schema == schema_) return binding_;
    schema_ = schema;
    binding_ = pipeline_.bind(*schema);
    const auto merge = [](std::vector<std::string>& into, const std::vector<std::string>& more) {
      into.insert(into.end(), more.begin(), more.end());
      std::ranges::sort(into);
      into.erase(std::ranges::unique(into).begin(), into.end());
    };
    merge(report_.missing, binding_.missing);
    merge(report_.headers, binding_.headers);
    return binding_;
  }

  const ReplayPipeline& pipeline_;
  ReplayWorker worker_;
  WhatIfReport& report_;
  std::shared_ptr<const InputSchema> schema_;
  ReplayPipeline::Binding binding_;
  std::shared_ptr<const std::vector<Endpoint>> identities_;
  std::vector<WhatIfReport::Share*> shares_;
};

double percent(std::size_t part, std::size_t whole) {
  return whole == 0 ? 0.0 : 100.0 * static_cast<double>(part) / static_cast<double>(whole);
}

// Where load moves: the endpoints that gain or lose most come first.
std::string share_table(const WhatIfReport& r) {
  std::vector<std::pair<std::string, WhatIfReport::Share>> all(r.shares.begin(), r.shares.end());
  const auto moved = [](const auto& s) {
    return s.second.now > s.second.then ? s.second.now - s.second.then
                                        : s.second.then - s.second.now;
  };
  std::ranges::stable_sort(all, std::greater{}, moved);
  std::vector<std::vector<std::string>> rows{
      {"  endpoint", "picks then", "now", "change", "share then", "now", "mean regret"}};
  for (std::size_t i = 0; i < all.size() && i < kMostRows; ++i) {
    const auto& [name, s] = all[i];
    const double change =
        s.then == 0 ? 0.0
                    : 100.0 * (static_cast<double>(s.now) / static_cast<double>(s.then) - 1.0);
    rows.push_back(
        {"  " + name, grouped(s.then), grouped(s.now),
         s.then == 0 ? "new" : fmt::format("{:+.1f} %", change),
         fmt::format("{:.1f} %", percent(s.then, r.judged)),
         fmt::format("{:.1f} %", percent(s.now, r.judged)),
         s.judged == 0 ? "-" : fmt::format("{:.4f}", s.regret / static_cast<double>(s.judged))});
  }
  std::string out = text_table(rows, Align::right);
  if (all.size() > kMostRows) out += fmt::format("  ... and {} more\n", all.size() - kMostRows);
  return out;
}

std::string limits(const WhatIfReport& r) {
  std::string out =
      "\nWhat this cannot tell\n"
      "  Each decision is judged alone, on the loads and caches that the old picks led to. Had "
      "the\n"
      "  new configuration been at work, later loads, queues and caches would have differed: take\n"
      "  the change as its first step, not as its end. Latencies are not predicted.\n"
      "  Regret is in units of the new configuration's totals: how much higher it rates its own\n"
      "  pick than the one that was made. It says nothing of configurations with other weights.\n"
      "  What producers knew (prefix matches, loads in flight) is as the old configuration's\n"
      "  producers wrote it down; parameters of producers that differ have no effect here.\n";
  for (const std::string& key : r.missing) {
    out += "  Not in the record: signal " + key + ". Plugins that read it saw nothing.\n";
  }
  for (const std::string& header : r.headers) {
    out += "  Not in the record: header " + header + ". Plugins that read it saw nothing.\n";
  }
  return out;
}

}  // namespace

Result<WhatIfReport> what_if(const WhatIfOptions& options) {
  POINTSMAN_TRY(files, RecordFiles::open(options.paths));
  POINTSMAN_TRY(pipeline, ReplayPipeline::from_file(options.config_file));
  WhatIfReport report{.config_file = options.config_file};
  WhatIf judge(*pipeline, report);
  ProgressLine progress("judging");
  std::vector<RecordedDecision> batch(kBatch);
  while (const std::size_t n = files.next(batch)) {
    for (std::size_t i = 0; i < n; ++i) judge.judge(batch[i]);
    progress.show(files.progress(), report.judged + report.skipped);
  }
  report.record = files.totals();
  return report;
}

std::string to_text(const WhatIfReport& r) {
  std::string out = fmt::format("If {} had decided: {} decisions of {} files, {} endpoints\n\n",
                                r.config_file, grouped(r.judged), r.record.files, r.shares.size());
  out += fmt::format("  picks that change  {} ({:.1f} %)", grouped(r.changed),
                     percent(r.changed, r.judged));
  if (r.redrawn > 0) out += fmt::format(", {} of them between equals", grouped(r.redrawn));
  if (r.filtered > 0) {
    out += fmt::format(", {} because a filter drops the old one", grouped(r.filtered));
  }
  out += "\n";
  if (r.nobody_now > 0) out += fmt::format("  refused only now   {}\n", grouped(r.nobody_now));
  if (r.nobody_then > 0) out += fmt::format("  refused only then  {}\n", grouped(r.nobody_then));
  if (r.known_prefixes > 0) {
    const auto then = static_cast<double>(r.predicted_then);
    const auto now = static_cast<double>(r.predicted_now);
    out += fmt::format(
        "  cached tokens      {} -> {} ({}), as predicted for {} decisions\n",
        grouped(static_cast<std::uint64_t>(r.predicted_then)),
        grouped(static_cast<std::uint64_t>(r.predicted_now)),
        then > 0 ? fmt::format("{:+.1f} %", 100.0 * (now / then - 1.0)) : std::string("from none"),
        grouped(r.known_prefixes));
  }
  if (r.judged > 0) {
    out += fmt::format("  mean regret        {:.4f}\n", r.regret / static_cast<double>(r.judged));
  }
  if (r.skipped > 0) {
    out += fmt::format("  not judged         {}: nothing was scheduled, or inputs were too long\n",
                       grouped(r.skipped));
  }
  out += "\n" + share_table(r);
  const std::string unused = to_text(r.record);
  if (!unused.empty()) out += "\n" + unused;
  return out + limits(r);
}

}  // namespace pointsman
