#include "pointsman/app/why.h"

#include <algorithm>
#include <cstddef>
#include <functional>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "pointsman/app/admin_answer.h"
#include "pointsman/app/text_table.h"
#include "pointsman/config/node.h"
#include "pointsman/config/yaml.h"
#include "pointsman/wire/http_client.h"

namespace pointsman {
namespace {

constexpr std::size_t kMostRows = 12;  // what an operator takes in at a glance

std::string text(const Node* node) {
  return node == nullptr || node->is_null() ? "" : node->text;
}
double number(const Node* node) {
  return node == nullptr ? 0.0 : node->number;
}

const std::vector<Node>& items(const Node& node, std::string_view key) {
  static const std::vector<Node> kNone;
  const Node* const list = node.find(key);
  return list == nullptr ? kNone : list->items;
}

// Breaks a sentence at spaces so that no line is longer than 100 characters.
std::string wrapped(std::string_view sentence) {
  constexpr std::size_t kWidth = 100;
  std::string out;
  while (sentence.size() > kWidth) {
    const std::size_t space = sentence.rfind(' ', kWidth);
    if (space == std::string_view::npos) break;
    out += std::string(sentence.substr(0, space)) + "\n";
    sentence.remove_prefix(space + 1);
  }
  return out + std::string(sentence);
}

char letter(std::size_t scorer) {
  return static_cast<char>('A' + scorer % 26);
}

// What a scorer gave a candidate, and from what.
std::string cell(const Node& score) {
  const Node* const raw = score.find("raw");
  if (raw == nullptr || raw->is_null()) return "no score";
  std::string out = fmt::format("{:.3f}", number(score.find("weighted")));
  if (const Node* share = score.find("share_percent")) {
    out += fmt::format(" {:>3.0f} %", number(share));
  }
  const auto signal = text(score.find("signal"));
  return signal.empty() ? out : out + "  " + signal;
}

std::vector<std::string> candidate_row(const Node& candidate, bool picked) {
  std::vector<std::string> row{(picked ? "> " : "  ") + text(candidate.find("endpoint")),
                               fmt::format("{:.3f}", number(candidate.find("total")))};
  for (const Node& score : items(candidate, "scores")) row.push_back(cell(score));
  return row;
}

// One line per scorer: its letter in the table, weight, and how old its signals were.
std::string legend(const Node& run) {
  std::string out;
  const auto& scorers = items(run, "scorers");
  for (std::size_t s = 0; s < scorers.size(); ++s) {
    double oldest = -1;
    for (const Node& candidate : items(run, "candidates")) {
      const auto& scores = items(candidate, "scores");
      if (const Node* age = scores.at(s).find("age_ms")) oldest = std::max(oldest, number(age));
    }
    out += fmt::format("  {} = {} x{:g}", letter(s), text(scorers[s].find("name")),
                       number(scorers[s].find("weight")));
    if (oldest >= 0) out += fmt::format(", signals up to {:.0f} ms old", oldest);
    out += "\n";
  }
  return out;
}

std::string run_text(const Node& run) {
  std::vector<std::vector<std::string>> rows{{"  endpoint", "total"}};
  for (std::size_t s = 0; s < items(run, "scorers").size(); ++s) {
    rows[0].emplace_back(1, letter(s));
  }
  std::vector<const Node*> candidates;
  for (const Node& candidate : items(run, "candidates")) candidates.push_back(&candidate);
  std::ranges::stable_sort(candidates, std::greater{},
                           [](const Node* c) { return number(c->find("total")); });
  const auto picked = [&](const Node& candidate) {
    return std::ranges::any_of(items(run, "picked"), [&](const Node& p) {
      return p.text == text(candidate.find("endpoint"));
    });
  };
  std::size_t hidden = 0;
  for (const Node* candidate : candidates) {
    if (rows.size() > kMostRows && !picked(*candidate)) {
      ++hidden;
      continue;
    }
    rows.push_back(candidate_row(*candidate, picked(*candidate)));
  }
  std::string out = "profile " + text(run.find("profile")) + ", picked by " +
                    text(run.find("picker")) + "\n" + legend(run) +
                    "  (score x weight, its share of the total, what it was made from)\n" + "\n" +
                    text_table(rows, Align::left);
  if (hidden > 0) out += fmt::format("  ... and {} more\n", hidden);
  for (const Node& drop : items(run, "dropped")) {
    out += "  dropped: " + text(drop.find("endpoint")) + " by " + text(drop.find("filter")) + " (" +
           text(drop.find("reason")) + ")\n";
  }
  return out;
}

// What each scorer's absence would have changed, how old the values were, and the cache.
std::string pivot_text(const Node& d) {
  const auto& voices = items(d, "pivot");
  std::vector<std::vector<std::string>> rows{{"  without", "best would be", "by"}};
  for (const Node& voice : voices) {
    const Node* const decides = voice.find("decides");
    const double by = number(voice.find("by"));
    std::string best = text(voice.find("without"));
    if (text(decides) != "true") best = by > 0 ? "the same" : "the same and others";
    rows.push_back({"  " + text(voice.find("scorer")), best, fmt::format("{:.3g}", by)});
  }
  std::string out = voices.empty() ? "" : "\n" + text_table(rows, Align::left);
  if (const Node* stalest = d.find("stalest")) {
    out += fmt::format("  oldest value that mattered: {} of {} ({}), {:.0f} ms old\n",
                       text(stalest->find("scorer")), text(stalest->find("endpoint")),
                       text(stalest->find("signal")), number(stalest->find("age_ms")));
  }
  if (const Node* cache = d.find("cache")) {
    const Node* const hoped = cache->find("predicted_tokens");
    const Node* const found = cache->find("observed_tokens");
    if (hoped != nullptr) out += "  cached tokens predicted: " + hoped->text;
    if (found != nullptr) {
      out += (hoped == nullptr ? "  cached tokens observed: " : ", observed: ") + found->text;
    }
    out += "\n";
  }
  return out;
}

std::string outcome_text(const Node& outcome) {
  std::string out = "outcome: " + text(outcome.find("end"));
  if (outcome.find("status") != nullptr) out += ", status " + text(outcome.find("status"));
  if (const Node* ttft = outcome.find("ttft_ms"))
    out += fmt::format(", first byte after {:.1f} ms", number(ttft));
  if (const Node* total = outcome.find("duration_ms"))
    out += fmt::format(", over after {:.1f} ms", number(total));
  if (const Node* cached = outcome.find("cached_tokens")) {
    out += ", " + cached->text + " of " + text(outcome.find("prompt_tokens")) +
           " prompt tokens came from the cache";
  }
  if (const Node* other = outcome.find("served_by")) {
    out += ", served by " + other->text + " after " + text(outcome.find("attempts")) + " attempts";
  }
  return out + "\n";
}

}  // namespace

Result<std::string> why_text(std::string_view json) {
  auto parsed = read_yaml(json);  // JSON is YAML
  if (!parsed) return fail(Code::internal, "the router's answer cannot be read");
  const Node& d = parsed->root;
  std::string out = "decision " + text(d.find("id")) + " at " + text(d.find("time")) + "\n";
  out += "request  " + text(d.find("request_id")) + ", model " + text(d.find("model")) + ", " +
         text(d.find("body_bytes")) + " bytes\n";
  if (const Node* endpoint = d.find("endpoint")) {
    out += "picked   " + endpoint->text + " (" + text(d.find("address")) + ")\n";
  }
  if (const Node* error = d.find("error")) out += "error    " + error->text + "\n";
  if (const Node* sentence = d.find("explanation")) out += "\n" + wrapped(sentence->text) + "\n";
  out += pivot_text(d);
  for (const Node& run : items(d, "runs")) out += "\n" + run_text(run);
  for (const Node& drop : items(d, "not_considered")) {
    out += "  not considered: " + text(drop.find("endpoint")) + " (" + text(drop.find("reason")) +
           ")\n";
  }
  if (const Node* outcome = d.find("outcome")) out += "\n" + outcome_text(*outcome);
  return out;
}

Result<std::string> why(const WhyOptions& options) {
  const auto answer = fetch(options.admin + "/decisions/" + options.id);
  if (!answer) {
    return no_router(options.admin, answer.error());
  }
  if (answer->head.status == 404) {
    return fail(Code::not_found,
                options.admin + " has no decision " + options.id + "; the newest 512 are kept");
  }
  if (answer->head.status != 200) {
    return fail(Code::not_found, options.admin + ": " + answer->body);
  }
  if (options.json) return answer->body;
  return why_text(answer->body);
}

}  // namespace pointsman
