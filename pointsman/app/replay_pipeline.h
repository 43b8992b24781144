#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <expected>
#include <memory>
#include <string>
#include <vector>

#include "pointsman/base/arena.h"
#include "pointsman/engine/assembly.h"
#include "pointsman/model/inputs.h"
#include "pointsman/record/recorded_decision.h"

namespace pointsman {

// A pipeline without sockets and producers: it decides from recorded inputs, with the code of the
// running router.
//
// Threading: immutable once made.
class ReplayPipeline {
 public:
  // Errors: invalid_config, the first problem of the configuration.
  static Result<std::unique_ptr<ReplayPipeline>> make(const std::string& yaml);
  static Result<std::unique_ptr<ReplayPipeline>> from_file(const std::string& path);

  // Where the columns of a record go in this pipeline.
  struct Binding {
    std::vector<const SignalColumn*> places;   // as InputSchema::columns; null: nobody reads it
    std::vector<Column<PrefixMatch>> matches;  // who believes what is cached where
    std::vector<std::string> missing;          // "key": read by this pipeline and not in the record
    std::vector<std::string> headers;          // read by this pipeline and not in the record
    std::deque<SignalColumn> foreign;          // matches that only the report reads
  };
  Binding bind(const InputSchema& recorded) const;

  const Scheduler& scheduler() const { return *assembly_.scheduler; }
  // Places in Signals, those of Binding::foreign included.
  std::size_t places() const { return places_; }
  Metrics& metrics() const { return *metrics_; }

 private:
  ReplayPipeline(std::unique_ptr<Metrics> metrics, Assembly assembly);
  static Result<std::unique_ptr<ReplayPipeline>> assembled(
      std::expected<LoadedConfig, Diagnostics> loaded);

  std::unique_ptr<Metrics> metrics_;
  Assembly assembly_;
  std::size_t places_ = 0;
};

// Decides again, one decision after the other.
//
// Threading: belongs to one thread.
class ReplayWorker {
 public:
  explicit ReplayWorker(const ReplayPipeline& pipeline);

  // False: the record's inputs are not whole, or a plugin failed.
  bool decide(const ReplayPipeline::Binding& binding, const RecordedDecision& recorded);
  // What came out, until the next decide().
  const Decision& decision() const { return decision_; }
  // Tokens that the endpoint was believed to have cached; -1: nobody knows.
  std::int64_t predicted(const ReplayPipeline::Binding& binding, EndpointIndex e) const;

 private:
  const ReplayPipeline& pipeline_;
  SchedulerShard shard_;
  Arena arena_;
  Signals signals_;
  Decision decision_;
  std::vector<Header> headers_;
  std::vector<PromptPart> media_;
};

}  // namespace pointsman
