#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

#include "pointsman/config/node.h"

namespace pointsman {

// Where the values of a document stand in its text, in bytes. Only plain spellings are understood:
// what carries a tag, an anchor or an alias has no span.
//
// The text and the nodes outlive this object.
class SourceText {
 public:
  explicit SourceText(std::string_view text);

  struct Span {
    std::size_t begin = 0;
    std::size_t end = 0;  // one past the last byte
  };

  // The value itself, without comments around it. `inside`: the flow collection around it ends at
  // `,`, `}` or `]`. `indent`: the column (0-based) of the mapping or sequence around it, which the
  // lines of a longer scalar exceed. None for a value that is not written, or not plainly.
  std::optional<Span> value(const Node& node, bool inside_flow, int indent) const;
  // From the first byte of the key to the end of its value, or to the colon when there is none.
  std::optional<Span> member(const Member& member, bool inside_flow) const;
  // The key alone, quotes included.
  std::optional<Span> key(const Member& member) const;

  // Whether the collection is written with brackets or braces.
  bool is_flow(const Node& collection) const;

  std::size_t line_begin(std::size_t at) const;  // of the line that holds this byte
  std::size_t line_end(std::size_t at) const;    // one past its newline, or the end of the text
  std::size_t column(std::size_t at) const { return at - line_begin(at); }
  // Whether only blanks stand before this byte on its line.
  bool first_on_line(std::size_t at) const;
  std::string_view text() const { return text_; }

 private:
  std::optional<std::size_t> offset(int line, int column) const;
  std::optional<std::size_t> quoted_end(std::size_t at) const;
  std::optional<std::size_t> bracket_end(std::size_t at) const;
  std::size_t plain_end(std::size_t at, bool inside_flow) const;
  std::size_t indented_end(std::size_t at, int indent) const;
  std::optional<std::size_t> scalar_end(const Node& node, std::size_t at, bool inside_flow,
                                        int indent) const;

  std::string_view text_;
  std::vector<std::size_t> lines_;  // where each begins
};

}  // namespace pointsman
