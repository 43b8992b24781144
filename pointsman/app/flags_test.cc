#include "pointsman/app/flags.h"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

namespace pointsman {
namespace {

Result<void> known_word(std::string_view text) {
  if (text == "json" || text == "console") return {};
  return fail(Code::invalid_config, "invalid encoder value \"" + std::string(text) + "\"");
}

struct Values {
  bool secure = true;
  bool quick = false;
  int port = 9002;
  int verbosity = 2;
  std::uint64_t seed = 1;
  double scale = 1.0;
  std::string name;
  std::string encoder;
  std::chrono::nanoseconds drain = std::chrono::seconds(30);
  std::vector<int> ports = {1};
  std::vector<std::string> suites;
};

struct Read {
  Values values;
  std::string error;
  std::vector<std::string_view> positional;
  std::vector<std::string> warnings;
  bool help = false;
};

void declare(FlagSet& flags, Values& values) {
  flags.group("Serving");
  flags.add({.name = "secure", .help = "Use TLS."}, values.secure);
  flags.add({.name = "quick", .help = "Be quick.", .letter = 'q'}, values.quick);
  flags.add({.name = "port", .value = "PORT", .help = "Where to listen."}, values.port);
  flags.add({.name = "v", .value = "N", .help = "How much to log.", .letter = 'v'},
            values.verbosity);
  flags.group("Other");
  flags.add({.name = "seed", .value = "N"}, values.seed);
  flags.add({.name = "scale", .value = "X"}, values.scale);
  flags.add({.name = "name", .value = "NAME", .idle = "names mean nothing here"}, values.name);
  flags.add({.name = "encoder", .value = "E", .check = known_word}, values.encoder);
  flags.add({.name = "drain", .value = "DURATION"}, values.drain);
  flags.add({.name = "ports", .value = "PORTS"}, values.ports);
  flags.add({.name = "suites", .value = "NAMES", .refused = "it would be ignored"}, values.suites);
}

Read read(const std::vector<std::string_view>& words) {
  Read out;
  FlagSet flags("test [flags]", "A test.");
  declare(flags, out.values);
  if (const auto parsed = flags.parse(words); !parsed) out.error = parsed.error().message;
  out.positional = flags.positional();
  out.warnings = flags.warnings();
  out.help = flags.help_asked();
  return out;
}

// spec/02 section 7.1.
TEST(Flags, TakeValuesInBothForms) {
  EXPECT_EQ(read({"--port", "80"}).values.port, 80);
  EXPECT_EQ(read({"--port=80"}).values.port, 80);
  EXPECT_EQ(read({"--name="}).values.name, "");
  EXPECT_EQ(read({"--name", "--port"}).values.name, "--port");
  EXPECT_EQ(read({"--name=a=b"}).values.name, "a=b");
}

TEST(Flags, NeverLetABoolTakeTheNextWord) {
  EXPECT_FALSE(read({"--secure=false"}).values.secure);
  const Read separate = read({"--secure", "false"});
  EXPECT_TRUE(separate.values.secure);
  EXPECT_EQ(separate.positional, std::vector<std::string_view>{"false"});
  EXPECT_TRUE(read({"--quick"}).values.quick);
  for (const char* no : {"0", "f", "F", "false", "False", "FALSE"}) {
    EXPECT_FALSE(read({std::string("--secure=") + no}).values.secure) << no;
  }
  for (const char* yes : {"1", "t", "T", "true", "True", "TRUE"}) {
    EXPECT_TRUE(read({std::string("--quick=") + yes}).values.quick) << yes;
  }
}

TEST(Flags, KnowLetters) {
  EXPECT_EQ(read({"-v=4"}).values.verbosity, 4);
  EXPECT_EQ(read({"-v", "4"}).values.verbosity, 4);
  EXPECT_EQ(read({"-v4"}).values.verbosity, 4);
  EXPECT_EQ(read({"--v", "4"}).values.verbosity, 4);
  EXPECT_EQ(read({"-v=-1"}).values.verbosity, -1);
  const Read both = read({"-qv", "5"});
  EXPECT_TRUE(both.values.quick);
  EXPECT_EQ(both.values.verbosity, 5);
  EXPECT_FALSE(read({"-q=false"}).values.quick);
}

TEST(Flags, LetTheLastScalarWin) {
  EXPECT_EQ(read({"--port=1", "--port=2"}).values.port, 2);
  EXPECT_EQ(read({"-v=1", "--v=3"}).values.verbosity, 3);
}

TEST(Flags, GatherListsAndReplaceTheirDefault) {
  EXPECT_EQ(read({}).values.ports, (std::vector{1}));
  EXPECT_EQ(read({"--ports=8080,9090", "--ports", "80"}).values.ports,
            (std::vector{8080, 9090, 80}));
  EXPECT_EQ(read({"--suites=A,B", "--suites=C"}).values.suites,
            (std::vector<std::string>{"A", "B", "C"}));
  EXPECT_TRUE(read({"--ports="}).values.ports.empty());
}

TEST(Flags, ReadNumbersInAnyBase) {
  EXPECT_EQ(read({"--port=0x50"}).values.port, 80);
  EXPECT_EQ(read({"--port=0b11"}).values.port, 3);
  EXPECT_EQ(read({"--port=010"}).values.port, 8);
  EXPECT_EQ(read({"--port=+7"}).values.port, 7);
  EXPECT_EQ(read({"--seed=18446744073709551615"}).values.seed, UINT64_MAX);
  EXPECT_EQ(read({"--scale=0.5"}).values.scale, 0.5);
  EXPECT_EQ(read({"--drain=1m30s"}).values.drain, std::chrono::seconds(90));
}

TEST(Flags, SetAsideOtherWords) {
  EXPECT_EQ(read({"a", "--port=1", "-", "b", "--", "--port=2"}).positional,
            (std::vector<std::string_view>{"a", "-", "b", "--port=2"}));
}

TEST(Flags, RefuseBadWordsAsPflagDoes) {
  EXPECT_EQ(read({"--nope"}).error, "unknown flag: --nope");
  EXPECT_EQ(read({"--prot=1"}).error, "unknown flag: --prot (did you mean --port?)");
  EXPECT_EQ(read({"-x"}).error, "unknown shorthand flag: 'x' in -x");
  EXPECT_EQ(read({"-port=1"}).error, "unknown shorthand flag: 'p' in -port=1");
  EXPECT_EQ(read({"--port"}).error, "flag needs an argument: --port");
  EXPECT_EQ(read({"-v"}).error, "flag needs an argument: 'v' in -v");
  EXPECT_EQ(read({"--=1"}).error, "bad flag syntax: --=1");
  EXPECT_EQ(read({"---port"}).error, "bad flag syntax: ---port");
  EXPECT_EQ(read({"--port=x"}).error,
            R"(invalid argument "x" for "--port" flag: strconv.ParseInt: parsing "x": invalid )"
            "syntax");
  EXPECT_EQ(read({"--port=99999999999"}).error,
            R"(invalid argument "99999999999" for "--port" flag: strconv.ParseInt: parsing )"
            R"("99999999999": value out of range)");
  EXPECT_EQ(read({"-v=x"}).error,
            R"(invalid argument "x" for "-v, --v" flag: strconv.ParseInt: parsing "x": invalid )"
            "syntax");
  EXPECT_EQ(read({"--secure=maybe"}).error,
            R"(invalid argument "maybe" for "--secure" flag: strconv.ParseBool: parsing "maybe": )"
            "invalid syntax");
  EXPECT_EQ(read({"--drain=5"}).error,
            R"(invalid argument "5" for "--drain" flag: time: missing unit in duration "5")");
  EXPECT_EQ(read({"--encoder=xml"}).error,
            R"(invalid argument "xml" for "--encoder" flag: invalid encoder value "xml")");
  EXPECT_EQ(
      read({"--seed=-1"}).error,
      R"(invalid argument "-1" for "--seed" flag: strconv.ParseUint: parsing "-1": value out )"
      "of range");
  EXPECT_EQ(read({"--scale=inf"}).error,
            R"(invalid argument "inf" for "--scale" flag: strconv.ParseFloat: parsing "inf": )"
            "invalid syntax");
}

TEST(Flags, StopAtHelp) {
  EXPECT_TRUE(read({"--help", "--nope"}).help);
  EXPECT_TRUE(read({"-h"}).help);
  EXPECT_EQ(read({"--help", "--nope"}).error, "");
}

TEST(Flags, WarnOnceOfWhatHasNoEffect) {
  EXPECT_EQ(read({"--name=a", "--name=b"}).warnings,
            std::vector<std::string>{"--name has no effect: names mean nothing here"});
  EXPECT_TRUE(read({"--port=1"}).warnings.empty());
}

TEST(Flags, RefuseWhatMustNotBeIgnored) {
  Values values;
  FlagSet flags("test", "A test.");
  declare(flags, values);
  EXPECT_TRUE(flags.check_refused().has_value());
  const std::vector<std::string_view> words = {"--suites=A"};
  ASSERT_TRUE(flags.parse(words).has_value());
  EXPECT_TRUE(flags.given("suites"));
  EXPECT_FALSE(flags.given("port"));
  EXPECT_EQ(flags.check_refused().error().message,
            "--suites is not in this build yet: it would be ignored");
}

TEST(Flags, TellTheLogTheirValuesAndNoSecrets) {
  Values values;
  FlagSet flags("test", "A test.");
  declare(flags, values);
  std::string text = "secret";
  bool version = false;
  flags.add({.name = "text", .in_log = InLog::size}, text);
  flags.add({.name = "version", .in_log = InLog::nothing}, version);
  EXPECT_EQ(flags.values(),
            "--drain=30s --encoder= --name= --port=9002 --ports=1 --quick=false --scale=1 "
            "--secure=true --seed=1 --suites= --text=(6 bytes) --v=2");
  const std::vector<std::string_view> words = {"--suites=http://me:secret@a:1,http://b/",
                                               "--name=two words", "--drain=1500ms", "--quick",
                                               "--ports=2,3"};
  ASSERT_TRUE(flags.parse(words).has_value());
  const std::string line = flags.values();
  EXPECT_TRUE(line.contains("--suites=http://@a:1,http://b/ ")) << line;
  EXPECT_TRUE(line.contains("--name=\"two words\" ")) << line;
  EXPECT_TRUE(line.contains("--drain=1.5s ")) << line;
  EXPECT_TRUE(line.contains("--ports=2,3 --quick=true ")) << line;
  EXPECT_FALSE(line.contains("secret")) << line;
  values.name = std::string(5000, 'x');
  EXPECT_TRUE(flags.values().contains("xxx... --port"));
}

TEST(Flags, ExplainThemselves) {
  Values values;
  FlagSet flags("test [flags]", "A test.");
  declare(flags, values);
  flags.epilogue("The end.\n");
  const std::string help = flags.help();
  EXPECT_TRUE(help.starts_with("A test.\n\nUsage: test [flags]\n\nServing\n")) << help;
  EXPECT_TRUE(help.contains("      --port PORT                     Where to listen. [9002]\n"))
      << help;
  EXPECT_TRUE(help.contains("  -v, --v N                           How much to log. [2]\n"))
      << help;
  EXPECT_TRUE(help.contains("\nOther\n"));
  EXPECT_TRUE(help.ends_with("The end.\n"));
}

}  // namespace
}  // namespace pointsman
