#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace pointsman {

// Whether a response with these headers, either of which may be empty, is text that names a model.
bool may_restore_model(std::string_view content_type, std::string_view content_encoding);

// Gives a response the model name that its client asked for back (spec/03 section 4.5): each
// `"model":"<target>"` of the JSON or SSE text becomes `"model":"<incoming>"`, with any blanks
// around the colon, and also when it is cut in two by the end of a chunk. Text inside JSON strings
// is not touched, since its quotes are escaped.
class ModelRestorer final {
 public:
  // Nothing is replaced if a name is empty or they are equal. `incoming_json` is the incoming name
  // as a JSON string with its quotes. The views outlive the response.
  void begin(std::string_view target, std::string_view incoming, std::string_view incoming_json);
  // Nothing is replaced until begin().
  void reset();
  // Whether anything may be replaced, so that the length of the text may change.
  bool active() const { return !target_.empty(); }

  // The text to send for the next chunk; `end`: there is no other. Bytes that may be the beginning
  // of a match, at most a few hundred, are held back for the next call. Valid until then and as
  // long as `chunk`.
  std::string_view pass(std::string_view chunk, bool end);

 private:
  // Of the text that begins with `"model"`: the bytes up to the value, and with it.
  struct Match {
    enum class Kind { no, yes, needs_more } kind = Kind::no;
    std::size_t before_value = 0;
    std::size_t whole = 0;
  };
  Match match(std::string_view text) const;

  std::string_view target_;
  std::string_view replacement_;
  std::string carry_;   // held back
  std::string joined_;  // carry and chunk
  std::string out_;
};

}  // namespace pointsman
