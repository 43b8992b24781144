#include "pointsman/config/patch.h"

#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "pointsman/config/renames.h"
#include "pointsman/config/yaml.h"

namespace pointsman {
namespace {

// The text after `edit` has changed its tree, or the error.
template <typename Edit>
std::string patched(std::string_view text, Edit edit) {
  const auto document = read_yaml(text);
  if (!document) return document.error().text;
  Node after = document->root;
  edit(after);
  const auto result = patch_text(text, document->root, after);
  return result ? *result : "error: " + result.error().message;
}

Node& at(Node& mapping, std::string_view key) {
  return *DocumentEditor::find(mapping, key);
}

TEST(Patch, LeavesATextAloneWithoutChanges) {
  const std::string text = "# c\na:   1   # x\n\nb: [ 1,2 ]  \n...\n";
  EXPECT_EQ(patched(text, [](Node&) {}), text);
}

TEST(Patch, ReplacesAScalarInWhateverStyle) {
  const auto to_c = [](Node& root) { at(root, "a").text = "c"; };
  EXPECT_EQ(patched("a: b # why\nx: 1\n", to_c), "a: c # why\nx: 1\n");
  EXPECT_EQ(patched("a: \"b\" # why\n", to_c), "a: c # why\n");
  EXPECT_EQ(patched("a: 'it''s'\nx: 1\n", to_c), "a: c\nx: 1\n");
  EXPECT_EQ(patched("{x: 1, a: b, z: 2}", to_c), "{x: 1, a: c, z: 2}");
  EXPECT_EQ(patched("a: |\n  b\n  b\nx: 1\n", to_c), "a: c\nx: 1\n");
  EXPECT_EQ(patched("a: b\n  b b\nx: 1\n", to_c), "a: c\nx: 1\n");
}

TEST(Patch, RenamesAKey) {
  const auto rename = [](Node& root) { root.members[1].key = "dataLayer"; };
  EXPECT_EQ(patched("a: 1\ndata: # d\n  b: 2\n", rename), "a: 1\ndataLayer: # d\n  b: 2\n");
  EXPECT_EQ(patched(R"({"a":1,"data":{"b":2}})", rename), R"({"a":1,"dataLayer":{"b":2}})");
}

TEST(Patch, RemovesMembers) {
  const auto without_b = [](Node& root) { DocumentEditor::take(root, "b"); };
  EXPECT_EQ(patched("a: 1\n# about b\nb:\n- x # y\n# about c\nc: 2\n", without_b),
            "a: 1\n# about b\n# about c\nc: 2\n");
  EXPECT_EQ(patched("a: 1\nb: {x: 1}   # gone as well", without_b), "a: 1\n");
  EXPECT_EQ(patched("b: 1\na: 2\n", without_b), "a: 2\n");
  EXPECT_EQ(patched("{a: 1, b: [1, 2], c: 3}", without_b), "{a: 1, c: 3}");
  EXPECT_EQ(patched("{a: 1, b: '}'}", without_b), "{a: 1}");
  EXPECT_EQ(patched("{b: 1, a: 2}", without_b), "{a: 2}");
  EXPECT_EQ(patched("{b: 1}", without_b), "{}");
}

TEST(Patch, MovesTheNextMemberUpToItsDash) {
  const auto without_first = [](Node& root) {
    auto& members = at(root, "list").items[0].members;
    members.erase(members.begin(), members.begin() + 2);
  };
  EXPECT_EQ(patched("list:\n- a: 1\n  b: 2\n  c: 3\n- d: 4\n", without_first),
            "list:\n- c: 3\n- d: 4\n");
  EXPECT_EQ(patched("list:\n    - a: 1 # x\n      b: 2\n      # keep\n      c: 3\n", without_first),
            "list:\n    - # keep\n      c: 3\n");
}

TEST(Patch, RemovesItems) {
  const auto without_second = [](Node& root) {
    auto& items = at(root, "list").items;
    items.erase(items.begin() + 1);
  };
  EXPECT_EQ(patched("list:\n  - a\n  - b # x\n  # keep\n  - c\n", without_second),
            "list:\n  - a\n  # keep\n  - c\n");
  EXPECT_EQ(patched("list: [a, b, c]", without_second), "list: [a, c]");
  EXPECT_EQ(patched("list: [ a,b ]", without_second), "list: [ a ]");
}

TEST(Patch, InsertsMembers) {
  const auto with_c = [](Node& root) {
    Node& inner = at(root, "a");
    DocumentEditor::set(inner, "c", map_node({{.key = "d", .value = whole_node(4)}}));
  };
  EXPECT_EQ(patched("a:\n    b: 1   # x\nz: 1\n", with_c),
            "a:\n    b: 1   # x\n    c:\n      d: 4\nz: 1\n");
  EXPECT_EQ(patched("a: {b: 1}\n", with_c), "a: {b: 1, c: {\"d\":4}}\n");
  EXPECT_EQ(patched("a:\n  b: |\n    t\n\nz: 1\n", with_c),
            "a:\n  b: |\n    t\n  c:\n    d: 4\n\nz: 1\n");
}

TEST(Patch, InsertsItems) {
  const auto with_plugin = [](Node& root) {
    at(root, "plugins")
        .items.push_back(map_node(
            {{.key = "type", .value = text_node("t")},
             {.key = "parameters", .value = map_node({{.key = "k", .value = whole_node(1)}})}}));
  };
  EXPECT_EQ(patched("plugins:\n  - type: a\n    parameters:\n      x: 1 # c\nb: 1\n", with_plugin),
            "plugins:\n  - type: a\n    parameters:\n      x: 1 # c\n"
            "  - type: t\n    parameters:\n      k: 1\nb: 1\n");
  EXPECT_EQ(patched("plugins: [{type: a}]", with_plugin),
            "plugins: [{type: a}, {\"parameters\":{\"k\":1},\"type\":\"t\"}]");
  EXPECT_EQ(patched("plugins:\n- a", with_plugin),
            "plugins:\n- a\n- type: t\n  parameters:\n    k: 1");
}

TEST(Patch, InsertsBehindWhatLosesItsEnd) {
  const auto edit = [](Node& root) {
    Node& items = at(root, "a");
    DocumentEditor::take(items.items[0], "c");
    items.items.push_back(text_node("d"));
  };
  EXPECT_EQ(patched("a:\n- b: 1\n  c:\n    x: 1 # gone\n# z\nz: 1\n", edit),
            "a:\n- b: 1\n- d\n# z\nz: 1\n");
  EXPECT_EQ(patched("a:\n- b: 1\n  c: 2", edit), "a:\n- b: 1\n- d\n");
}

TEST(Patch, FillsAnUnwrittenValue) {
  EXPECT_EQ(patched("a:\nb: 1\n", [](Node& root) { at(root, "a") = whole_node(2); }),
            "a: 2\nb: 1\n");
}

TEST(Patch, KeepsByteOrderMarkAndLineEnds) {
  EXPECT_EQ(patched("\xEF\xBB\xBF"
                    "a: 1\r\nb: 2\r\n",
                    [](Node& root) {
                      DocumentEditor::take(root, "a");
                      DocumentEditor::set(root, "c", whole_node(3));
                    }),
            "\xEF\xBB\xBF"
            "b: 2\r\nc: 3\r\n");
}

TEST(Patch, RefusesWhatItCannotEditSafely) {
  const auto change = [](Node& root) { at(at(root, "b"), "x").text = "w"; };
  for (const char* text : {"a: &m {x: v}\nb: *m\n", "b: !!map {x: v}\n", "b: {x: &n v}\n"}) {
    EXPECT_TRUE(patched(text, change).starts_with("error: the text around line")) << text;
  }
}

TEST(Difference, ShowsChangedLinesWithTheirNeighbours) {
  EXPECT_EQ(difference("1\n2\n3\n4\n5\n6\n7\n8\n9\n", "1\n2\n3\n4\nx\n6\n7\n8\n9\n"),
            "@@ line 3 @@\n 3\n 4\n-5\n+x\n 6\n 7\n");
  EXPECT_EQ(difference("a\n", "a\nb\n"), "@@ line 1 @@\n a\n+b\n");
  EXPECT_EQ(difference("a\n", "a\n"), "");
}

}  // namespace
}  // namespace pointsman
