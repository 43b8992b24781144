#pragma once

#include <string>
#include <string_view>

#include "pointsman/base/result.h"
#include "pointsman/config/node.h"

namespace pointsman {

// Carries changes of a document over into its text: bytes that the changes do not concern stay as
// they are, comments included. `before` was read from `text`; `after` is an edited copy of it, in
// which kept members and items still stand where they stood, and new ones stand nowhere (line 0).
//
// The result, read again, is `after`. Errors: invalid_config, naming the line, where the text is
// written in a way that cannot be edited so (anchors, aliases, tags, explicit keys).
Result<std::string> patch_text(std::string_view text, const Node& before, const Node& after);

// What differs between two texts, line by line as `diff -u` shows it without its header: ` same`,
// `-old`, `+new`, and `@@ line N @@` before each group, with `around` lines of context.
std::string difference(std::string_view before, std::string_view after, std::size_t around = 2);

}  // namespace pointsman
