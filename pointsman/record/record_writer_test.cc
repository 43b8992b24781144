#include "pointsman/record/record_writer.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>

#include "pointsman/base/random.h"
#include "pointsman/base/testing/temporary_folder.h"
#include "pointsman/record/record_reader.h"
#include "pointsman/record/testing/recorded.h"

namespace pointsman {
namespace {

using testing::DecisionMaker;

// Where the records of a test go.
struct Folder {
  testing::TemporaryFolder above;
  std::string path = above.path("record");  // the writer makes it

  std::vector<std::string> files() const {
    std::vector<std::string> all;
    for (const auto& entry : std::filesystem::directory_iterator(path)) all.push_back(entry.path());
    std::ranges::sort(all);
    return all;
  }
};

std::string contents(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// Records `count` decisions of `maker` with one outcome each; `between` may change the fleet.
template <typename Between>
void record(const Folder& folder, DecisionMaker& maker, std::size_t count, Between between,
            RecordOptions options = {}) {
  Log log;
  DecisionRing ring;
  options.folder = folder.path;
  auto writer = RecordWriter::start(options, ring, Logger(log));
  ASSERT_TRUE(writer) << writer.error().message;
  ring.attach(**writer);
  EXPECT_TRUE(ring.wants_inputs());
  for (std::size_t i = 0; i < count; ++i) {
    between(i);
    auto decision = ring.fresh();
    maker.fill(*decision, i);
    ring.keep(decision);
    Outcome outcome{.end = Outcome::End::finished, .status = 200};
    outcome.prompt_tokens = static_cast<std::int64_t>(i);
    outcome.served_by = "10.0.0.9:8000";
    ring.join(decision, outcome);
  }
  (*writer)->stop();
  EXPECT_EQ((*writer)->counts().decisions, count);
  EXPECT_EQ((*writer)->counts().queue_full, 0U);
}

void record(const Folder& folder, DecisionMaker& maker, std::size_t count) {
  record(folder, maker, count, [](std::size_t) {});
}

void expect_same(const Decision& read, const Decision& made) {
  EXPECT_EQ(read.id, made.id);
  EXPECT_EQ(read.at, made.at);
  EXPECT_EQ(read.wall, made.wall);
  EXPECT_EQ(read.request_id, made.request_id);
  EXPECT_EQ(read.model, made.model);
  EXPECT_EQ(read.target_model, made.target_model);
  EXPECT_EQ(read.priority, made.priority);
  EXPECT_EQ(read.seed, made.seed);
  EXPECT_EQ(read.predicted_cached_tokens, made.predicted_cached_tokens);
  EXPECT_EQ(read.candidates, made.candidates);
  EXPECT_EQ(read.picks, made.picks);
  EXPECT_EQ(read.primary, made.primary);
  ASSERT_EQ(read.drops.size(), made.drops.size());
  EXPECT_EQ(read.drops[0].reason, made.drops[0].reason);
  ASSERT_EQ(read.scores.size(), made.scores.size());
  for (std::size_t i = 0; i < made.scores.size(); ++i) {
    EXPECT_EQ(read.scores[i], static_cast<float>(made.scores[i]));
  }
  EXPECT_TRUE(read.inputs.taken);
  EXPECT_TRUE(read.inputs.exact);
  EXPECT_EQ(read.inputs.path, made.inputs.path);
  EXPECT_EQ(read.inputs.received, made.inputs.received);
  EXPECT_EQ(read.inputs.stale_before, made.inputs.stale_before);
  EXPECT_EQ(read.inputs.header_text, made.inputs.header_text);
  EXPECT_EQ(read.inputs.candidates, made.inputs.candidates);
  EXPECT_EQ(read.inputs.print.hash, made.inputs.print.hash);
}

TEST(Record, ComesBackAsItWas) {
  const Folder folder;
  DecisionMaker maker(10, 3);
  record(folder, maker, 5);
  ASSERT_EQ(folder.files().size(), 1U);
  const std::string bytes = contents(folder.files()[0]);
  auto reader = RecordReader::open(bytes);
  ASSERT_TRUE(reader);
  RecordedDecision read;
  Decision made;
  std::map<std::uint64_t, Outcome> outcomes;
  std::size_t n = 0;
  for (auto found = reader->next(read); found != RecordReader::Found::end;
       found = reader->next(read)) {
    if (found == RecordReader::Found::outcome) {
      outcomes[reader->outcome().first] = reader->outcome().second;
      continue;
    }
    made.reset();
    maker.fill(made, n);
    made.id = read.decision.id;  // given by the ring
    expect_same(read.decision, made);
    RecordedDecision hashed;
    hash_rows(made, hashed.row_hashes, hashed.total_hashes);
    EXPECT_EQ(read.row_hashes, hashed.row_hashes);
    EXPECT_EQ(read.total_hashes, hashed.total_hashes);
    EXPECT_EQ(read.decision.plan->profiles[0].scorers[2].weight, 3.0);
    EXPECT_EQ(read.decision.inputs.schema->config, "plugins: []\n");
    ++n;
  }
  EXPECT_EQ(n, 5U);
  ASSERT_EQ(outcomes.size(), 5U);
  EXPECT_EQ(outcomes.begin()->second.status, 200);
  EXPECT_EQ(outcomes.begin()->second.served_by, "10.0.0.9:8000");
  EXPECT_TRUE(reader->counts().complete);
  EXPECT_EQ(reader->counts().damaged, 0U);
}

TEST(Record, ColumnsComeBackForThePipelineThatReadsThem) {
  const Folder folder;
  DecisionMaker maker(10, 1);
  record(folder, maker, 1);
  const std::string bytes = contents(folder.files()[0]);
  auto reader = RecordReader::open(bytes);
  RecordedDecision read;
  ASSERT_EQ(reader->next(read), RecordReader::Found::decision);
  SignalTable table;
  pointsman::Setup setup({}, {}, table);
  const auto match = setup.reads<PrefixMatch>({"PrefixCacheMatchInfoDataKey", "approx"});
  const auto prompt = setup.reads_cell<TokenizedPrompt>({"TokenizedPrompt", "token-producer"});
  std::vector<const SignalColumn*> places;
  const SignalColumn* const mine = table.column({"PrefixCacheMatchInfoDataKey", "approx"});
  const SignalColumn* const cell = table.column({"TokenizedPrompt", "token-producer"});
  const auto& columns = read.decision.inputs.schema->columns;
  ASSERT_EQ(columns.size(), 3U);
  EXPECT_TRUE(same_form(columns[0], *mine));
  EXPECT_FALSE(same_form(columns[1], *mine));
  places = {mine, nullptr, cell};
  Arena arena;
  Signals signals;
  signals.reset(arena, table.size(), read.decision.fleet->size());
  ASSERT_TRUE(restore_columns(read.decision.inputs, *read.decision.fleet, places, signals));
  EXPECT_EQ(signals.read(match)[3].match, 21);
  EXPECT_EQ(signals.read(match)[3].block_tokens, 64);
  EXPECT_EQ(signals.read(prompt)->tokens, 4096);
}

TEST(Record, FleetsComeBackThroughChurnAndScrapes) {
  const Folder folder;
  DecisionMaker maker(20, 2);
  std::vector<Fleet> fleets;
  record(folder, maker, 300, [&](std::size_t i) {
    if (i % 3 == 1)
      maker.scrape(static_cast<EndpointIndex>(i % maker.fleet().size()), static_cast<double>(i));
    if (i % 100 == 99) maker.leave(3);
    fleets.push_back(maker.fleet());
  });
  const std::string bytes = contents(folder.files()[0]);
  auto reader = RecordReader::open(bytes);
  RecordedDecision read;
  std::size_t n = 0;
  for (auto found = reader->next(read); found != RecordReader::Found::end;
       found = reader->next(read)) {
    if (found != RecordReader::Found::decision) continue;
    const Fleet& fleet = *read.decision.fleet;
    const Fleet& made = fleets[n++];
    ASSERT_EQ(fleet.size(), made.size());
    for (EndpointIndex e = 0; e < made.size(); ++e) {
      ASSERT_EQ(fleet[e].id, made[e].id);
      ASSERT_EQ(fleet[e].host_port, made[e].host_port);
      ASSERT_EQ(fleet[e].labels, made[e].labels);
      ASSERT_EQ(fleet.read_at(e), made.read_at(e));
      const auto& a = fleet.load(Load::waiting);
      const auto& b = made.load(Load::waiting);
      ASSERT_TRUE(a.value[e] == b.value[e] ||
                  (a.value[e] != a.value[e] && b.value[e] != b.value[e]));
      ASSERT_EQ(a.at[e], b.at[e]);
      ASSERT_EQ(fleet.adapters().active(e).size(), made.adapters().active(e).size());
      ASSERT_EQ(fleet.adapters().room(e), made.adapters().room(e));
    }
  }
  EXPECT_EQ(n, 300U);
}

TEST(Record, ADecisionOfAHundredEndpointsAndFiveScorersTakesAtMostFourKiB) {
  DecisionMaker maker(100, 5);
  Decision decision;
  maker.fill(decision, 1);
  RecordedDecision hashes;
  std::string frame;
  encode_decision(decision, 0, 0, hashes, frame);
  EXPECT_LE(frame.size() + 13, 4096U);
}

TEST(Record, RotatesAndKeepsTheNewestFilesEachReadableAlone) {
  const Folder folder;
  DecisionMaker maker(10, 2);
  record(folder, maker, 2000, [](std::size_t) {}, {.file_bytes = 64 * 1024, .files = 3});
  const auto files = folder.files();
  ASSERT_EQ(files.size(), 3U);
  for (const std::string& file : files) {
    const std::string bytes = contents(file);
    auto reader = RecordReader::open(bytes);
    ASSERT_TRUE(reader);
    RecordedDecision read;
    while (reader->next(read) != RecordReader::Found::end) {
    }
    EXPECT_GT(reader->counts().decisions, 10U) << file;
    EXPECT_EQ(reader->counts().orphans, 0U);
    EXPECT_EQ(reader->counts().damaged, 0U);
  }
}

TEST(Record, AFullQueueDropsAndCounts) {
  const Folder folder;
  Log log;
  DecisionRing ring;
  auto writer = RecordWriter::start({.folder = folder.path, .queue = 4}, ring, Logger(log));
  ASSERT_TRUE(writer);
  DecisionMaker maker(4, 1);
  const auto decision = ring.fresh();
  maker.fill(*decision, 1);
  for (int i = 0; i < 100'000 && (*writer)->counts().queue_full == 0; ++i) {
    (*writer)->kept(decision);
  }
  EXPECT_GT((*writer)->counts().queue_full, 0U);
}

// One file of a few decisions, to be damaged.
std::string sample() {
  const Folder folder;
  DecisionMaker maker(6, 2);
  record(folder, maker, 20,
         [&](std::size_t i) { maker.scrape(static_cast<EndpointIndex>(i % 6), 1.0); });
  return contents(folder.files()[0]);
}

RecordReader::Counts read_all(const std::string& bytes) {
  auto reader = RecordReader::open(bytes);
  if (!reader) return {};
  RecordedDecision read;
  while (reader->next(read) != RecordReader::Found::end) {
  }
  return reader->counts();
}

TEST(DamagedRecord, IsReadAsFarAsItGoesWhereverItIsCut) {
  const std::string whole = sample();
  std::size_t before = 0;
  for (std::size_t size = 0; size <= whole.size(); size += 7) {
    const auto counts = read_all(whole.substr(0, size));
    EXPECT_GE(counts.decisions, before);
    EXPECT_FALSE(counts.complete && size + 7 < whole.size());
    before = counts.decisions;
  }
  EXPECT_EQ(read_all(whole).decisions, 20U);
}

TEST(DamagedRecord, LosesLittleToOneWrongByte) {
  const std::string whole = sample();
  Random random(5);
  for (int i = 0; i < 2000; ++i) {
    std::string bytes = whole;
    const std::size_t at = kRecordHeadBytes + random.below(bytes.size() - kRecordHeadBytes);
    bytes[at] = static_cast<char>(static_cast<std::uint8_t>(bytes[at]) ^ (1 + random.below(255)));
    const auto counts = read_all(bytes);
    EXPECT_GE(counts.damaged, 1U);
    EXPECT_GE(counts.decisions + counts.orphans + 1, counts.complete ? 19U : 0U);
  }
}

TEST(DamagedRecord, GarbageInsideSoundFramesIsRefused) {
  // The check holds, the payload does not: what a hostile writer would make.
  const std::string whole = sample();
  Random random(6);
  for (int i = 0; i < 2000; ++i) {
    std::string bytes = record_head();
    FrameReader frames(std::string_view(whole).substr(kRecordHeadBytes));
    while (const auto frame = frames.next()) {
      std::string payload(frame->payload);
      if (random.below(3) == 0 && !payload.empty()) {
        payload[random.below(payload.size())] = static_cast<char>(random.next());
      }
      if (random.below(10) == 0) payload.resize(random.below(payload.size() + 1));
      append_frame(static_cast<FrameKind>(frame->kind), payload, bytes);
    }
    EXPECT_LE(read_all(bytes).decisions, 20U);
  }
}

TEST(DamagedRecord, ForeignFilesAreRefusedInWords) {
  EXPECT_FALSE(RecordReader::open(""));
  EXPECT_FALSE(RecordReader::open("PMRECORD"));
  std::string later = record_head();
  later[8] = 9;
  const auto refused = RecordReader::open(later);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("version 9"), std::string::npos);
}

}  // namespace
}  // namespace pointsman
