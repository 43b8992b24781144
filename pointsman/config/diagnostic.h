#pragma once

#include <string>
#include <vector>

namespace pointsman {

// One problem of a document, and where it was written.
struct Diagnostic {
  std::string path = {};  // the field, such as plugins[0].parameters.blockSize; empty: the document
  int line = 0;           // 1-based; 0: not read from a text
  int column = 0;         // 1-based
  std::string text = {};  // the message; error texts of spec/02 to the letter
  std::string hint = {};  // what to write instead, or empty; never part of the golden text
};

// Problems in the order of the reference: the first is the one it would have reported.
using Diagnostics = std::vector<Diagnostic>;

// `line 3, column 5: <text> (<hint>)`, for a person.
std::string to_string(const Diagnostic& diagnostic);

}  // namespace pointsman
