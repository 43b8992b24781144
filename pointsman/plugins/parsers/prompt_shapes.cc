#include <algorithm>

#include "pointsman/base/json_escape.h"
#include "pointsman/plugins/parsers/openai_shapes.h"

namespace pointsman {

void TextOrTokens::read(JsonReader& json) {
  using Kind = JsonReader::Kind;
  form_ = Form::none;
  parts_.truncate(0);
  count_ = 0;
  text_ = raw_ = {};
  switch (json.peek()) {
    case Kind::null:
      json.skip();
      return;
    case Kind::string: {
      const JsonString text = json.string();
      if (json.failed()) return;  // it is no text then, and has no quotes around it
      form_ = Form::text;
      text_ = text.raw;
      raw_ = {text.raw.data() - 1, text.raw.size() + 2};  // with its quotes
      parts_.add_text(text);
      return end_prompt();
    }
    case Kind::array:
      return array(json);
    default:
      form_ = Form::wrong;
      json.skip();
  }
}

void TextOrTokens::array(JsonReader& json) {
  using Kind = JsonReader::Kind;
  const std::size_t from = json.offset();
  json.open();
  const Kind first = json.look();
  if (first == Kind::number) {
    form_ = Form::ids;
    ids(json);
  } else {
    while (json.next_element()) {
      const Kind kind = json.peek();
      const bool fits = kind == first && (kind == Kind::string || kind == Kind::array);
      if (!fits) form_ = Form::wrong;
      if (form_ == Form::wrong) {
        json.skip();
      } else if (kind == Kind::string) {
        form_ = Form::texts;
        parts_.add_text(json.string());
        end_prompt();
      } else {
        form_ = Form::lists;
        json.open();
        ids(json);
      }
    }
  }
  raw_ = json.since(from);
}

void TextOrTokens::ids(JsonReader& json) {
  if (read_ids(json, IdRule::number, parts_).odd != JsonReader::Kind::none) form_ = Form::wrong;
  end_prompt();
}

void TextOrTokens::end_prompt() {
  if (count_ == kMaxPrompts) return;
  if (count_ == ends_.size()) {
    const auto more = arena_.array<std::size_t>(std::max<std::size_t>(4, 2 * count_));
    std::ranges::copy(ends_, more.begin());
    ends_ = more;
  }
  ends_[count_++] = parts_.size();
}

std::span<const Prompt> TextOrTokens::prompts() {
  const auto prompts = arena_.array<Prompt>(count_);
  std::size_t from = 0;
  for (std::size_t i = 0; i < count_; ++i) {
    prompts[i].parts = parts_.all().subspan(from, ends_[i] - from);
    from = ends_[i];
  }
  return prompts;
}

void CompletionsShape::field(std::string_view key, JsonReader& json) {
  if (key == "prompt") {
    prompt_.read(json);
    if (prompt_.form() == TextOrTokens::Form::wrong) complain("prompt has the wrong type");
  } else if (key == "prompt_embeds") {
    embeds_ = json.peek() != Kind::null;
    json.skip();
  } else if (key == "cache_salt") {
    salt_ = string_at(json, key);
  } else {
    json.skip();
  }
}

bool CompletionsShape::give(Request& request) {
  request.prompts = prompt_.empty() ? std::span<const Prompt>() : prompt_.prompts();
  request.cache_salt = unescaped(salt_.raw, arena());
  return !prompt_.empty() || embeds_;
}

void EmbeddingsShape::field(std::string_view key, JsonReader& json) {
  if (key == "input") {
    input_.read(json);
    if (input_.form() == TextOrTokens::Form::wrong) complain("input has the wrong type");
  } else if (key == "messages") {
    messages_ = json.peek() == Kind::array;
    json.skip();
  } else if (key == "cache_salt") {
    salt_ = string_at(json, key);
  } else {
    json.skip();
  }
}

bool EmbeddingsShape::give(Request& request) {
  using Form = TextOrTokens::Form;
  request.cache_salt = unescaped(salt_.raw, arena());
  request.prompts = {};
  if (input_.empty()) return messages_;
  if (input_.form() == Form::ids || input_.form() == Form::lists) {
    request.prompts = input_.prompts();
    return true;
  }
  PartList parts(arena());
  parts.add_text(input_.raw());
  request.prompts = one_prompt(parts.all(), arena());
  return true;
}

void ResponsesShape::field(std::string_view key, JsonReader& json) {
  if (key == "input") {
    input_ = skip_any(json);
  } else if (key == "instructions") {
    instructions_ = skip_any(json);
  } else if (key == "tools") {
    tools_ = skip_any(json);
  } else if (key == "cache_salt") {
    salt_ = string_at(json, key);
  } else {
    json.skip();
  }
}

bool ResponsesShape::give(Request& request) {
  PartList parts(arena());
  parts.add_text("[");
  const auto add = [&parts](std::string_view head, std::string_view value, std::string_view tail) {
    if (value.empty()) return;
    parts.add_text(head);
    parts.add_text(value);
    parts.add_text(tail);
  };
  add(R"({"instructions":)", instructions_, "},");
  add(R"({"tools":)", tools_, "},");
  add(R"({"input":)", input_, "}]");
  request.prompts = one_prompt(parts.all(), arena());
  request.cache_salt = unescaped(salt_.raw, arena());
  return !input_.empty();
}

void ConversationsShape::field(std::string_view key, JsonReader& json) {
  if (key == "items") {
    items(json);
  } else if (key == "metadata") {
    skip_as(json, Kind::object, key);
  } else if (key == "cache_salt") {
    salt_ = string_at(json, key);
  } else {
    json.skip();
  }
}

void ConversationsShape::items(JsonReader& json) {
  count_ = 0;
  json.peek();
  const std::size_t from = json.offset();
  if (!enter(json, Kind::array, "items")) return;
  for (; json.next_element(); ++count_) {
    if (!enter(json, Kind::object, "items")) continue;
    for (JsonString key; json.next_key(key);) {
      if (key.raw == "type" || key.raw == "role") {
        skip_as(json, Kind::string, key.raw == "type" ? "items.type" : "items.role");
      } else {
        json.skip();
      }
    }
  }
  items_ = json.since(from);
}

bool ConversationsShape::give(Request& request) {
  PartList parts(arena());
  parts.add_text(items_);
  request.prompts = one_prompt(parts.all(), arena());
  request.cache_salt = unescaped(salt_.raw, arena());
  return count_ > 0;
}

void ImagesShape::field(std::string_view key, JsonReader& json) {
  if (key == "prompt") {
    prompt_ = !string_at(json, key).raw.empty();
  } else if (key == "size") {
    skip_as(json, Kind::string, key);
  } else if (key == "n" || key == "num_inference_steps") {
    skip_integer(json, key);
  } else {
    json.skip();
  }
}

bool ImagesShape::give(Request& request) {
  request.prompts = {};
  request.cache_salt = {};
  return prompt_;
}

}  // namespace pointsman
