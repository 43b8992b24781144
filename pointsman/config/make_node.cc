#include "pointsman/config/make_node.h"

#include <string>
#include <utility>

namespace pointsman {
namespace {

Node of(Node::Kind kind) {
  Node node;
  node.kind = kind;
  return node;
}

}  // namespace

Node text_node(std::string_view text) {
  Node node = of(Node::Kind::string);
  node.text = text;
  return node;
}

Node whole_node(std::int64_t value) {
  Node node = of(Node::Kind::integer);
  node.integer = value;
  node.number = static_cast<double>(value);
  node.text = std::to_string(value);
  return node;
}

Node number_node(double value) {
  Node node = of(Node::Kind::floating);
  node.number = value;
  return node;
}

Node flag_node(bool value) {
  Node node = of(Node::Kind::boolean);
  node.boolean = value;
  return node;
}

Node list_node(std::vector<Node> items) {
  Node node = of(Node::Kind::sequence);
  node.items = std::move(items);
  return node;
}

Node map_node(std::vector<Member> members) {
  Node node = of(Node::Kind::mapping);
  node.members = std::move(members);
  return node;
}

}  // namespace pointsman
