#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "pointsman/base/result.h"

namespace pointsman {

// What flags and their values are refused with.
inline std::unexpected<Error> wrong(std::string text) {
  return fail(Code::invalid_config, std::move(text));
}

// What the log says of a flag at the start.
enum class InLog : std::uint8_t {
  value,  // not of flags whose value may be secret
  size,   // only how long the value is
  nothing,
};

// One flag, declared once: reading, checking, help and warnings come from here.
struct Flag {
  std::string_view name;          // without dashes
  std::string_view value = {};    // what the help calls its value, such as PORT; not of bools
  std::string_view help = {};     // one sentence
  char letter = 0;                // a short form, such as v; 0: none
  std::string_view idle = {};     // why giving it changes nothing: one warning
  std::string_view refused = {};  // why it must not be given: an error, since ignoring it harms
  Result<void> (*check)(std::string_view) = nullptr;  // of a text: whether its value is known
  InLog in_log = InLog::value;
};

// The flags of one command, read as pflag reads them (spec/02 section 7.1): `--name value`,
// `--name=value`, `--bool`, `--bool=false` (a bool never takes the next word), `-v=4`, `-v 4`,
// `-v4`; a repeated scalar's last value wins; lists take commas and repetition, and their first use
// replaces the default; words that are no flags are set aside; `--` ends the flags.
//
// CLI11 is not used: it takes neither `-v=4`, nor repeated scalars, nor words it does not know, and
// phrases errors in its own way; what would be left of it is this much code.
class FlagSet {
 public:
  // `about` is the first paragraph of the help.
  FlagSet(std::string_view usage, std::string_view about) : usage_(usage), about_(about) {}

  // Starts a group of the help.
  void group(std::string_view title) { group_ = title; }
  // The last paragraph of the help.
  void epilogue(std::string_view text) { epilogue_ = text; }

  // Declares a flag whose value goes to `target`, which holds the default and outlives this.
  void add(const Flag& flag, bool& target);
  void add(const Flag& flag, int& target);
  void add(const Flag& flag, std::uint64_t& target);
  void add(const Flag& flag, double& target);
  void add(const Flag& flag, std::string& target);
  void add(const Flag& flag, std::chrono::nanoseconds& target);
  void add(const Flag& flag, std::vector<int>& target);
  void add(const Flag& flag, std::vector<std::string>& target);

  // Reads the words behind the command.
  // Errors: invalid_config in pflag's words, such as `unknown flag: --foo`. Nothing is undone.
  Result<void> parse(std::span<const std::string_view> words);

  bool given(std::string_view name) const;
  bool help_asked() const { return help_asked_; }
  // Words that are no flags.
  const std::vector<std::string_view>& positional() const { return positional_; }
  // One sentence per given flag that changes nothing.
  std::vector<std::string> warnings() const;
  // Every flag as it stands now, in alphabetical order, as words of a command line: for the log.
  // Credentials in URLs are left out, long values cut.
  std::string values() const;
  // Error: the first given flag that this build refuses.
  Result<void> check_refused() const;

  // What the command is for and every flag with its default, for a terminal of 100 columns.
  std::string help() const;

 private:
  struct Entry {
    Flag flag;
    std::string_view group;
    bool takes_value = true;
    std::string shown_default;  // empty: not worth showing
    std::function<Result<void>(std::string_view)> set;
    std::function<std::string()> value;  // as it stands now
    bool given = false;
  };

  template <typename T>
  void declare(const Flag& flag, const T& target,
               std::function<Result<void>(std::string_view)> set);
  Entry* find(std::string_view name);
  Entry* find(char letter);
  Result<void> assign(Entry& entry, std::string_view value) const;
  // Reads a flag; takes the next word from `rest` where the flag needs one.
  Result<void> long_flag(std::string_view word, std::span<const std::string_view>& rest);
  Result<void> short_flags(std::string_view word, std::span<const std::string_view>& rest);

  std::string_view usage_;
  std::string_view about_;
  std::string_view epilogue_;
  std::string_view group_;
  std::vector<Entry> entries_;
  std::vector<std::string_view> positional_;
  bool help_asked_ = false;
};

}  // namespace pointsman
