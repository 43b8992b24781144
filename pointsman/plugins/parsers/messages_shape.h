#pragma once

#include <string_view>

#include "pointsman/plugins/parsers/body_shape.h"
#include "pointsman/plugins/parsers/part_list.h"

namespace pointsman {

// Anthropic messages: tools, then the system text, then the messages.
class MessagesShape final : public BodyShape {
 public:
  explicit MessagesShape(Arena& arena)
      : BodyShape(arena), system_(arena), parts_(arena), result_(arena), images_(arena) {}
  void field(std::string_view key, JsonReader& json) override;
  bool give(Request& request) override;

 private:
  // A content block without what is nested in it.
  struct Block {
    JsonString type, text, thinking, id, name, image;
    std::string_view input;
  };

  void tools(JsonReader& json);
  void system(JsonReader& json);
  void messages(JsonReader& json);
  void message(JsonReader& json);
  void content(JsonReader& json);
  Block block(JsonReader& json);
  JsonString source(JsonReader& json);
  void result(JsonReader& json);
  void add(const Block& block);

  // Like string_at(), enter() and skip_as(), with the complaint that content has the wrong form.
  JsonString content_string(JsonReader& json);
  bool enter_content(JsonReader& json, Kind kind);

  std::string_view tools_;
  PartList system_;
  PartList parts_;
  PartList result_;  // text of the tool result being read
  PartList images_;  // its images
  std::size_t messages_ = 0;
  JsonString salt_;
};

}  // namespace pointsman
