#include "pointsman/plugins/parsers/messages_shape.h"

#include "pointsman/base/json_escape.h"
#include "pointsman/plugins/parsers/openai_shapes.h"

namespace pointsman {
namespace {

constexpr std::string_view kWrongContent =
    "anthropic content: must be a string or an array of content blocks";
// Clients put a line of this name, different in every request, before the system text.
constexpr std::string_view kBillingHeader = "x-anthropic-billing-header";

}  // namespace

void MessagesShape::field(std::string_view key, JsonReader& json) {
  if (key == "messages") {
    messages(json);
  } else if (key == "system") {
    system(json);
  } else if (key == "tools") {
    tools(json);
  } else if (key == "cache_salt") {
    salt_ = string_at(json, key);
  } else {
    json.skip();
  }
}

bool MessagesShape::give(Request& request) {
  PartList all(arena());
  all.add_text(tools_);
  all.append(system_.all());
  all.append(parts_.all());
  request.prompts = one_prompt(all.all(), arena());
  request.cache_salt = unescaped(salt_.raw, arena());
  return messages_ > 0;
}

void MessagesShape::tools(JsonReader& json) {
  tools_ = {};
  json.peek();
  const std::size_t from = json.offset();
  if (!enter(json, Kind::array, "tools")) return;
  while (json.next_element()) {
    if (!enter(json, Kind::object, "tools")) continue;
    for (JsonString key; json.next_key(key);) {
      if (key.raw == "name") {
        skip_as(json, Kind::string, "tools.name");
      } else if (key.raw == "description") {
        skip_as(json, Kind::string, "tools.description");
      } else if (key.raw == "strict") {
        skip_as(json, Kind::boolean, "tools.strict");
      } else if (key.raw == "defer_loading") {
        skip_as(json, Kind::boolean, "tools.defer_loading");
      } else {
        json.skip();
      }
    }
  }
  tools_ = json.since(from);
}

void MessagesShape::system(JsonReader& json) {
  system_.truncate(0);
  if (json.peek() == Kind::string) {
    system_.add_text(json.string());
  } else if (enter_content(json, Kind::array)) {
    while (json.next_element()) {
      const Block found = block(json);
      if (found.type.raw == "text" && !found.text.raw.starts_with(kBillingHeader)) {
        system_.add_text(found.text);
      }
    }
  }
}

void MessagesShape::messages(JsonReader& json) {
  parts_.truncate(0);
  messages_ = 0;
  if (!enter(json, Kind::array, "messages")) return;
  for (; json.next_element(); ++messages_) message(json);
}

void MessagesShape::message(JsonReader& json) {
  if (!enter(json, Kind::object, "messages")) return;
  const std::size_t role = parts_.size();
  parts_.add({});  // the role comes first, wherever its key stands
  for (JsonString key; json.next_key(key);) {
    if (key.raw == "role") {
      parts_.set(role, text_part(string_at(json, "messages.role")));
    } else if (key.raw == "content") {
      parts_.truncate(role + 1);
      content(json);
    } else {
      json.skip();
    }
  }
}

void MessagesShape::content(JsonReader& json) {
  if (json.peek() == Kind::string) {
    parts_.add_text(json.string());
  } else if (enter_content(json, Kind::array)) {
    while (json.next_element()) add(block(json));
  }
}

MessagesShape::Block MessagesShape::block(JsonReader& json) {
  Block found;
  result_.truncate(0);
  images_.truncate(0);
  if (!enter_content(json, Kind::object)) return found;
  for (JsonString key; json.next_key(key);) {
    if (key.raw == "type") {
      found.type = content_string(json);
    } else if (key.raw == "text") {
      found.text = content_string(json);
    } else if (key.raw == "thinking") {
      found.thinking = content_string(json);
    } else if (key.raw == "id") {
      found.id = content_string(json);
    } else if (key.raw == "name") {
      found.name = content_string(json);
    } else if (key.raw == "input") {
      found.input = skip_any(json);
    } else if (key.raw == "source") {
      found.image = source(json);
    } else if (key.raw == "content") {
      result(json);
    } else {
      json.skip();
    }
  }
  return found;
}

JsonString MessagesShape::source(JsonReader& json) {
  JsonString url;
  JsonString data;
  if (!enter_content(json, Kind::object)) return url;
  for (JsonString key; json.next_key(key);) {
    if (key.raw == "url") {
      url = content_string(json);
    } else if (key.raw == "data") {
      data = content_string(json);
    } else {
      json.skip();
    }
  }
  return url.raw.empty() ? data : url;
}

// The content of a tool result: its texts, one a line, and its images.
void MessagesShape::result(JsonReader& json) {
  result_.truncate(0);
  images_.truncate(0);
  if (json.peek() == Kind::string) {
    result_.add_text(json.string());
    return;
  }
  if (!enter_content(json, Kind::array)) return;
  while (json.next_element()) {
    if (!enter_content(json, Kind::object)) continue;
    JsonString type;
    JsonString text;
    JsonString image;
    for (JsonString key; json.next_key(key);) {
      if (key.raw == "type") {
        type = content_string(json);
      } else if (key.raw == "text") {
        text = content_string(json);
      } else if (key.raw == "source") {
        image = source(json);
      } else {
        json.skip();
      }
    }
    if (type.raw == "text") {
      if (result_.size() > 0) result_.add_text("\n");
      result_.add_text(text);
    } else if (type.raw == "image") {
      images_.add_asset(PromptPart::Kind::image, image);
    }
  }
}

void MessagesShape::add(const Block& block) {
  if (block.type.raw == "text") {
    parts_.add_text(block.text);
  } else if (block.type.raw == "image") {
    parts_.add_asset(PromptPart::Kind::image, block.image);
  } else if (block.type.raw == "thinking") {
    parts_.add_text(block.thinking);
  } else if (block.type.raw == "tool_use") {
    parts_.add_text(block.id);
    parts_.add_text(block.name);
    parts_.add_text(block.input);
  } else if (block.type.raw == "tool_result") {
    parts_.append(result_.all());
    parts_.append(images_.all());
  }
}

JsonString MessagesShape::content_string(JsonReader& json) {
  const Kind kind = json.peek();
  if (kind == Kind::string) return json.string();
  if (kind != Kind::null) complain(std::string(kWrongContent));
  json.skip();
  return {};
}

bool MessagesShape::enter_content(JsonReader& json, Kind kind) {
  const Kind got = json.peek();
  if (got == kind) {
    json.open();
    return true;
  }
  if (got != Kind::null) complain(std::string(kWrongContent));
  json.skip();
  return false;
}

}  // namespace pointsman
