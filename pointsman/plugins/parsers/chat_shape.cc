#include "pointsman/base/json_escape.h"
#include "pointsman/plugins/parsers/openai_shapes.h"

namespace pointsman {

std::span<const Prompt> one_prompt(std::span<const PromptPart> parts, Arena& arena) {
  const auto prompt = arena.array<Prompt>(1);
  prompt[0].parts = parts;
  return prompt;
}

ChatShape::ChatShape(Arena& arena) : BodyShape(arena), parts_(arena) {
  parts_.add({});
}

void ChatShape::field(std::string_view key, JsonReader& json) {
  if (key == "messages") {
    messages(json);
  } else if (key == "tools") {
    const std::string_view tools = skip_as(json, Kind::array, key);
    parts_.set(0, text_part({.raw = tools, .size = tools.size()}));  // as JSON, escapes and all
  } else if (key == "documents") {
    skip_as(json, Kind::array, key);
  } else if (key == "chat_template") {
    skip_as(json, Kind::string, key);
  } else if (key == "return_assistant_tokens_mask" || key == "continue_final_message" ||
             key == "add_generation_prompt") {
    skip_as(json, Kind::boolean, key);
  } else if (key == "chat_template_kwargs") {
    skip_as(json, Kind::object, key);
  } else if (key == "cache_salt") {
    salt_ = string_at(json, key);
  } else {
    json.skip();
  }
}

bool ChatShape::give(Request& request) {
  request.prompts = one_prompt(parts_.all(), arena());
  request.cache_salt = unescaped(salt_.raw, arena());
  return messages_ > 0;
}

void ChatShape::messages(JsonReader& json) {
  parts_.truncate(1);
  messages_ = 0;
  if (!enter(json, Kind::array, "messages")) return;
  for (; json.next_element(); ++messages_) message(json);
}

void ChatShape::message(JsonReader& json) {
  if (!enter(json, Kind::object, "messages")) return;
  const std::size_t role = parts_.size();
  parts_.add({});  // the role comes first, wherever its key stands
  for (JsonString key; json.next_key(key);) {
    if (key.raw == "role") {
      parts_.set(role, text_part(string_at(json, "messages.role")));
    } else if (key.raw == "content") {
      parts_.truncate(role + 1);
      content(json);
    } else if (key.raw == "tool_calls") {
      skip_as(json, Kind::array, "messages.tool_calls");
    } else {
      json.skip();
    }
  }
}

void ChatShape::content(JsonReader& json) {
  switch (json.peek()) {
    case Kind::string:
      parts_.add_text(json.string());
      break;
    case Kind::array:
      json.open();
      while (json.next_element()) block(json);
      break;
    default:
      skip_as(json, Kind::string, "messages.content");
  }
}

void ChatShape::block(JsonReader& json) {
  if (!enter(json, Kind::object, "messages.content")) return;
  JsonString type;
  JsonString text;
  JsonString image;
  JsonString audio;
  JsonString video;
  for (JsonString key; json.next_key(key);) {
    if (key.raw == "type") {
      type = string_at(json, "messages.content.type");
    } else if (key.raw == "text") {
      text = string_at(json, "messages.content.text");
    } else if (key.raw == "image_url") {
      image = url(json);
    } else if (key.raw == "video_url") {
      video = url(json);
    } else if (key.raw == "audio_url" || key.raw == "input_audio") {
      audio = url(json);
    } else {
      json.skip();
    }
  }
  if (type.raw == "text") parts_.add_text(text);
  if (type.raw == "image_url") parts_.add_asset(PromptPart::Kind::image, image);
  if (type.raw == "video_url") parts_.add_asset(PromptPart::Kind::video, video);
  if (type.raw == "input_audio" || type.raw == "audio_url") {
    parts_.add_asset(PromptPart::Kind::audio, audio);
  }
}

// The content of an image_url, video_url, audio_url or input_audio: its "url" or "data". Model
// servers take a bare string for a URL, and so it is read here.
JsonString ChatShape::url(JsonReader& json) {
  JsonString found;
  if (json.peek() == Kind::string) return json.string();
  if (!enter(json, Kind::object, "messages.content.url")) return found;
  for (JsonString key; json.next_key(key);) {
    if (key.raw == "url" || key.raw == "data") {
      found = string_at(json, "messages.content.url");
    } else if (key.raw == "format") {
      skip_as(json, Kind::string, "messages.content.format");
    } else {
      json.skip();
    }
  }
  return found;
}

}  // namespace pointsman
