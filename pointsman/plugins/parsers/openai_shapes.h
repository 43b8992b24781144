#pragma once

#include <string_view>

#include "pointsman/plugins/parsers/body_shape.h"
#include "pointsman/plugins/parsers/part_list.h"

namespace pointsman {

// Chat completions: messages, and tools in front of them.
class ChatShape final : public BodyShape {
 public:
  explicit ChatShape(Arena& arena);
  void field(std::string_view key, JsonReader& json) override;
  bool give(Request& request) override;

 private:
  void messages(JsonReader& json);
  void message(JsonReader& json);
  void content(JsonReader& json);
  void block(JsonReader& json);
  JsonString url(JsonReader& json);

  PartList parts_;  // the first is kept for the tools
  std::size_t messages_ = 0;
  JsonString salt_;
};

// A prompt or embeddings input (spec/03 section 7.4): text, several texts, token ids, or, as model
// servers take them too, several lists of token ids.
class TextOrTokens {
 public:
  enum class Form : std::uint8_t { none, text, texts, ids, lists, wrong };

  // Further prompts of a request give no prompt signal.
  static constexpr std::size_t kMaxPrompts = 4096;

  explicit TextOrTokens(Arena& arena) : arena_(arena), parts_(arena) {}

  // Reads the value, forgetting an earlier one.
  void read(JsonReader& json);

  Form form() const { return form_; }
  bool empty() const { return form_ == Form::none || (form_ == Form::text && text_.empty()); }
  // The value as it stands in the body.
  std::string_view raw() const { return raw_; }
  // One prompt per text or list.
  std::span<const Prompt> prompts();

 private:
  void array(JsonReader& json);
  void ids(JsonReader& json);
  void end_prompt();

  Arena& arena_;
  Form form_ = Form::none;
  std::string_view text_;
  std::string_view raw_;
  PartList parts_;
  std::span<std::size_t> ends_;  // of each prompt in parts_
  std::size_t count_ = 0;        // of prompts
};

class CompletionsShape final : public BodyShape {
 public:
  explicit CompletionsShape(Arena& arena) : BodyShape(arena), prompt_(arena) {}
  void field(std::string_view key, JsonReader& json) override;
  bool give(Request& request) override;

 private:
  TextOrTokens prompt_;
  bool embeds_ = false;  // the prompt is given as embeddings
  JsonString salt_;
};

class EmbeddingsShape final : public BodyShape {
 public:
  explicit EmbeddingsShape(Arena& arena) : BodyShape(arena), input_(arena) {}
  void field(std::string_view key, JsonReader& json) override;
  bool give(Request& request) override;

 private:
  TextOrTokens input_;
  bool messages_ = false;  // the input is given as a conversation
  JsonString salt_;
};

// Responses: instructions, tools and input, as JSON.
class ResponsesShape final : public BodyShape {
 public:
  explicit ResponsesShape(Arena& arena) : BodyShape(arena) {}
  void field(std::string_view key, JsonReader& json) override;
  bool give(Request& request) override;

 private:
  std::string_view instructions_, tools_, input_;
  JsonString salt_;
};

// Conversations: the items, as JSON.
class ConversationsShape final : public BodyShape {
 public:
  explicit ConversationsShape(Arena& arena) : BodyShape(arena) {}
  void field(std::string_view key, JsonReader& json) override;
  bool give(Request& request) override;

 private:
  void items(JsonReader& json);

  std::string_view items_;
  std::size_t count_ = 0;
  JsonString salt_;
};

// Image generation: no prompt signal.
class ImagesShape final : public BodyShape {
 public:
  explicit ImagesShape(Arena& arena) : BodyShape(arena) {}
  void field(std::string_view key, JsonReader& json) override;
  bool give(Request& request) override;

 private:
  bool prompt_ = false;
};

// One prompt made of these parts, in the arena.
std::span<const Prompt> one_prompt(std::span<const PromptPart> parts, Arena& arena);

}  // namespace pointsman
