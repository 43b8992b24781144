#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "pointsman/base/result.h"
#include "pointsman/model/names.h"
#include "pointsman/model/request.h"
#include "pointsman/stage/parser.h"

namespace pointsman {

// The path of a request without its query: of the header :path, else x-original-path, else
// x-forwarded-path, else /v1/completions.
std::string_view request_path(std::span<const Header> headers);

// Whether `path` ends with the suffix, at a segment: in front of it stands nothing, '/' or '.'.
// Spaces around both and slashes at the end of the path and around the suffix do not count.
bool path_matches(std::string_view path, std::string_view suffix);

// Which parser reads which path (spec/03 section 6).
//
// Threading: immutable once built.
class ParserTable {
 public:
  struct Entry {
    TypedName name;
    std::shared_ptr<const Parser> parser;
  };

  // Takes the parsers in their configured order. The first one without paths is the fallback and
  // ends the list; of one type only the first counts.
  // Fails with "no parsers configured".
  static Result<ParserTable> build(std::vector<Entry> configured);

  // The parser whose suffix matches best: the longest wins, then the first configured, then the
  // fallback. Fails with bad_request when none does.
  Result<const Parser*> resolve(std::string_view path) const;

  // The parsers in use.
  std::span<const Entry> parsers() const { return parsers_; }
  // What was left out, in words for the log.
  std::span<const std::string> warnings() const { return warnings_; }

 private:
  struct Suffix {
    std::string text;
    const Parser* parser = nullptr;
  };

  std::vector<Entry> parsers_;
  std::vector<Suffix> suffixes_;  // the longest first
  const Parser* fallback_ = nullptr;
  std::vector<std::string> warnings_;
};

}  // namespace pointsman
