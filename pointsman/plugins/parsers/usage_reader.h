#pragma once

#include <string_view>

#include "pointsman/stage/parser.h"

namespace pointsman {

enum class ResponseApi : std::uint8_t { openai, anthropic, sglang };

// Reads the next piece of a response as Parser::read() promises: token counts and, of an event
// stream, the number of data events. Lines and values may be cut anywhere between pieces.
// Of events only those that hold the word "usage" are parsed, and what a chunk left unfinished when
// the next begins with an event of its own: some servers end events with the chunk, not with a
// line. Of a whole answer nothing is kept but the value of its top-level "usage". SGLang's counts
// stand in "meta_info"; of its events only those with a "finish_reason" count.
void read_response(ResponseApi api, std::string_view chunk, bool sse, bool end,
                   ResponseProgress& progress);

}  // namespace pointsman
