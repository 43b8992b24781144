#include "pointsman/app/command_line.h"

#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <gtest/gtest.h>

namespace pointsman {
namespace {

std::optional<std::string> no_environment(std::string_view /*name*/) {
  return std::nullopt;
}

std::expected<Command, Exit> read(const std::vector<std::string_view>& argv,
                                  const Environment& environment = no_environment) {
  return read_command_line(argv, environment);
}

template <typename Flags>
Flags flags(const std::vector<std::string_view>& argv,
            const Environment& environment = no_environment) {
  auto command = read(argv, environment);
  EXPECT_TRUE(command.has_value()) << command.error().error;
  return command && std::holds_alternative<Flags>(*command) ? std::get<Flags>(*command) : Flags{};
}

Exit exit_of(const std::vector<std::string_view>& argv) {
  auto command = read(argv);
  EXPECT_FALSE(command.has_value());
  return command ? Exit{.code = -1} : command.error();
}

TEST(CommandLine, ChoosesACommand) {
  EXPECT_TRUE(std::holds_alternative<ServeFlags>(read({"pointsman", "serve"}).value()));
  EXPECT_TRUE(std::holds_alternative<SimFlags>(read({"pointsman", "sim"}).value()));
  EXPECT_TRUE(std::holds_alternative<CheckFlags>(read({"pointsman", "check"}).value()));
  EXPECT_TRUE(std::holds_alternative<WhyFlags>(read({"pointsman", "why"}).value()));
  EXPECT_TRUE(
      std::holds_alternative<EppFlags>(read({"pointsman", "epp", "--pool-name=p"}).value()));
}

TEST(CommandLine, IsThePickersUnderTheNameEpp) {
  EXPECT_EQ(flags<EppFlags>({"/usr/bin/epp", "--pool-name", "p"}).router.pool_name, "p");
  EXPECT_EQ(flags<EppFlags>({"epp", "serve", "--pool-name=p"}).router.pool_name, "p");
}

TEST(CommandLine, IgnoresWordsOnlyWhereTheReferenceDoes) {
  EXPECT_TRUE(read({"pointsman", "epp", "word", "--pool-name=p", "word"}).has_value());
  const Exit exit = exit_of({"pointsman", "serve", "word"});
  EXPECT_EQ(exit.code, 2);
  EXPECT_TRUE(exit.error.starts_with("unexpected argument: word\n"));
}

TEST(CommandLine, ExplainsItself) {
  for (const std::vector<std::string_view>& argv :
       std::vector<std::vector<std::string_view>>{{"pointsman", "--help"},
                                                  {"pointsman", "-h"},
                                                  {"pointsman", "help"},
                                                  {"pointsman", "help", "serve"},
                                                  {"pointsman", "load", "--help"},
                                                  {"pointsman", "serve", "--help"},
                                                  {"pointsman", "epp", "--help"},
                                                  {"epp", "-h"},
                                                  {"pointsman", "sim", "--help"},
                                                  {"pointsman", "check", "--help"},
                                                  {"pointsman", "why", "--help"}}) {
    const Exit exit = exit_of(argv);
    EXPECT_EQ(exit.code, 0);
    EXPECT_TRUE(exit.out.contains("Usage: "));
    EXPECT_TRUE(exit.error.empty());
    std::istringstream lines(exit.out);
    for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 100U) << line;
  }
  EXPECT_TRUE(exit_of({"pointsman", "epp", "--help"}).out.contains("--grpc-port PORT"));
  EXPECT_TRUE(exit_of({"pointsman", "help", "epp"}).out.contains("--grpc-port PORT"));
  EXPECT_EQ(exit_of({"pointsman", "help", "nothing"}).code, 2);
}

TEST(CommandLine, TakesTheFileToCheckAsAWordToo) {
  const auto file = [](std::vector<std::string_view> argv) {
    argv.insert(argv.begin(), {"pointsman", "check"});
    return std::get<CheckFlags>(read(argv).value()).config_file;
  };
  EXPECT_EQ(file({"epp.yaml"}), "epp.yaml");
  EXPECT_EQ(file({"--config-file", "epp.yaml"}), "epp.yaml");
  EXPECT_EQ(exit_of({"pointsman", "check", "a", "--config-file=b"}).code, 1);
  EXPECT_EQ(exit_of({"pointsman", "check", "a", "b"}).code, 2);
}

TEST(CommandLine, SaysItsVersion) {
  const std::string version = "pointsman " + std::string(kVersion) + "\n";
  EXPECT_EQ(exit_of({"pointsman", "--version"}).out, version);
  EXPECT_EQ(exit_of({"epp", "--version"}).out, version);
  EXPECT_EQ(exit_of({"epp", "--version"}).code, 0);
}

TEST(CommandLine, AnswersABadOneWithCodeTwoAndUsage) {
  EXPECT_EQ(exit_of({"pointsman"}).code, 2);
  const Exit unknown = exit_of({"pointsman", "epp", "--no-such-flag"});
  EXPECT_EQ(unknown.code, 2);
  EXPECT_TRUE(unknown.error.starts_with("unknown flag: --no-such-flag\n\nUsage: pointsman epp"));
  EXPECT_TRUE(unknown.out.empty());
  EXPECT_EQ(exit_of({"epp", "--grpc-port=x"}).code, 2);
  EXPECT_EQ(exit_of({"epp", "--tracing=maybe"}).code, 2);
  EXPECT_EQ(exit_of({"epp", "--drain-timeout=5"}).code, 2);
  const Exit command = exit_of({"pointsman", "server"});
  EXPECT_EQ(command.code, 2);
  EXPECT_TRUE(command.error.starts_with("unknown command: server (did you mean \"serve\"?)"));
}

TEST(CommandLine, AnswersContradictionsWithCodeOne) {
  const Exit epp = exit_of({"epp"});
  EXPECT_EQ(epp.code, 1);
  EXPECT_EQ(epp.error, "either pool-name or endpoint-selector must be set");
  EXPECT_EQ(exit_of({"pointsman", "check", "--config-file=a", "--config-text=b"}).code, 1);
  EXPECT_EQ(exit_of({"pointsman", "check", "a", "--fix", "--resources-file=b"}).error,
            "--fix and --resources-file exclude each other");
  EXPECT_EQ(exit_of({"pointsman", "serve", "--host=localhost"}).error,
            "--host must be an IP address, got localhost");
  EXPECT_EQ(exit_of({"pointsman", "serve", "--max-inflight-bytes=-1"}).error,
            "--max-inflight-bytes must be non-negative, got -1");
}

TEST(ServeFlags, HaveTheirDefaults) {
  const auto serve = flags<ServeFlags>({"pointsman", "serve"});
  EXPECT_EQ(serve.port, 8080);
  EXPECT_EQ(serve.host, "127.0.0.1");
  EXPECT_TRUE(serve.endpoints.empty());
  EXPECT_EQ(serve.router.metrics_port, 9090);
  EXPECT_EQ(serve.router.workers, 0);
  EXPECT_FALSE(serve.router.tracing);
  EXPECT_TRUE(serve.router.warnings.empty());
  EXPECT_EQ(serve.router.drain_timeout, std::chrono::seconds(5));
  EXPECT_EQ(serve.router.drain_limit, std::chrono::seconds(120));
  EXPECT_EQ(serve.max_body_bytes, 64U << 20U);
  EXPECT_EQ(serve.router.max_inflight_bytes, 1U << 30U);
  EXPECT_EQ(serve.retries, 2);
  EXPECT_TRUE(serve.retry_statuses.none());
  EXPECT_FALSE(serve.retry_timeouts);
}

TEST(CommandLine, KeepsTheFlagsForTheLog) {
  const std::string epp =
      flags<EppFlags>({"epp", "--pool-name=p", "--config-text=a: secret", "--grpc-port", "1"})
          .router.processed;
  EXPECT_TRUE(epp.starts_with("--admin-host= --admin-token-file= ")) << epp;
  EXPECT_TRUE(epp.contains(" --config-text=(9 bytes) ")) << epp;
  EXPECT_TRUE(epp.contains(" --grpc-port=1 ")) << epp;
  EXPECT_TRUE(epp.contains(" --pool-namespace=default ")) << epp;
  // spec/02 section 9.1: all but the five that name metrics.
  EXPECT_FALSE(epp.contains("-metric=")) << epp;
  EXPECT_FALSE(epp.contains("-info=")) << epp;
  EXPECT_FALSE(epp.contains("--version")) << epp;
  EXPECT_TRUE(flags<ServeFlags>({"pointsman", "serve", "--retries=1"})
                  .router.processed.contains(" --retries=1 "));
}

TEST(ServeFlags, SayWhatIsRetried) {
  const auto serve = flags<ServeFlags>({"pointsman", "serve", "--retry-on=502,503,timeout"});
  EXPECT_EQ(serve.retry_statuses.count(), 2U);
  EXPECT_TRUE(serve.retry_statuses.test(503));
  EXPECT_TRUE(serve.retry_timeouts);
  for (const auto* wrong :
       {"--retry-on=200", "--retry-on=5xx", "--retries=9", "--retries=-1", "--max-connections=0",
        "--max-body-bytes=0", "--eject-for=0s", "--connect-timeout=0s", "--idle-timeout=-1s",
        "--drain-limit=-1s", "--admin-host=here"}) {
    EXPECT_EQ(exit_of({"pointsman", "serve", wrong}).code, 1) << wrong;
  }
}

TEST(ServeFlags, GatherEndpoints) {
  const auto serve = flags<ServeFlags>({"pointsman", "serve", "--endpoint", "http://a:1",
                                        "--endpoint=http://b:2", "--workers=2", "-v=3"});
  EXPECT_EQ(serve.endpoints, (std::vector<std::string>{"http://a:1", "http://b:2"}));
  EXPECT_EQ(serve.router.workers, 2);
  EXPECT_EQ(serve.router.log_threshold, 3);
}

TEST(ServeFlags, RefuseTwoSourcesOfEndpoints) {
  const Exit exit =
      exit_of({"pointsman", "serve", "--endpoint", "http://a:1", "--endpoints-file", "f"});
  EXPECT_EQ(exit.code, 1);
  EXPECT_EQ(exit.error, "--endpoint and --endpoints-file exclude each other");
}

TEST(ServeFlags, TraceWhenAnExporterIsSet) {
  const auto with_exporter = [](std::string_view name) -> std::optional<std::string> {
    if (name == "OTEL_TRACES_EXPORTER") return "otlp";
    return std::nullopt;
  };
  EXPECT_TRUE(flags<ServeFlags>({"pointsman", "serve"}, with_exporter).router.tracing);
  EXPECT_FALSE(
      flags<ServeFlags>({"pointsman", "serve", "--tracing=false"}, with_exporter).router.tracing);
  EXPECT_TRUE(flags<ServeFlags>({"pointsman", "serve", "--tracing"}).router.tracing);
}

TEST(SimFlags, AreReadAndBounded) {
  const auto sim = flags<SimFlags>(
      {"pointsman", "sim", "--count=8", "--port=8001", "--time-scale=10", "--seed=7"});
  EXPECT_EQ(sim.count, 8);
  EXPECT_EQ(sim.port, 8001);
  EXPECT_EQ(sim.time_scale, 10.0);
  EXPECT_EQ(sim.seed, 7U);
  EXPECT_EQ(exit_of({"pointsman", "sim", "--count=0"}).code, 1);
  EXPECT_EQ(exit_of({"pointsman", "sim", "--port=65535", "--count=2"}).code, 1);
  EXPECT_EQ(exit_of({"pointsman", "sim", "--time-scale=0"}).code, 1);

  const auto paced = flags<SimFlags>({"pointsman", "sim", "--pace=5ms", "--output-tokens=100",
                                      "--lora=a,b", "--real-size", "--proxy-port=8200"});
  EXPECT_EQ(paced.pace, std::chrono::milliseconds(5));
  EXPECT_EQ(paced.output_tokens, 100);
  EXPECT_EQ(paced.loras, (std::vector<std::string>{"a", "b"}));
  EXPECT_TRUE(paced.real_size);
  EXPECT_EQ(paced.proxy_port, 8200);
  EXPECT_EQ(exit_of({"pointsman", "sim", "--pace=-1ms"}).code, 1);
  EXPECT_EQ(exit_of({"pointsman", "sim", "--output-tokens=0"}).code, 1);
  EXPECT_EQ(exit_of({"pointsman", "sim", "--proxy-port=65536"}).code, 1);
}

TEST(LoadFlags, NeedATraceAndNamedTargets) {
  const auto load =
      flags<LoadFlags>({"pointsman", "load", "--trace=t.jsonl", "--target=a=http://h:1", "--target",
                        "b c=http://h:2", "--warm-up=10", "--json"});
  EXPECT_EQ(load.trace, "t.jsonl");
  EXPECT_EQ(load.targets, (std::vector<std::string>{"a=http://h:1", "b c=http://h:2"}));
  EXPECT_EQ(load.warm_up, 10);
  EXPECT_EQ(load.requests, 240);
  EXPECT_TRUE(load.json);
  EXPECT_EQ(exit_of({"pointsman", "load", "--target=a=http://h:1"}).code, 1);
  EXPECT_EQ(exit_of({"pointsman", "load", "--trace=t"}).code, 1);
  EXPECT_EQ(exit_of({"pointsman", "load", "--trace=t", "--target=nameless"}).code, 1);
}

TEST(WhyFlags, TakeAnIdOrTheLast) {
  EXPECT_TRUE(flags<WhyFlags>({"pointsman", "why"}).last);
  EXPECT_TRUE(flags<WhyFlags>({"pointsman", "why", "--last", "--json"}).json);
  const auto why =
      flags<WhyFlags>({"pointsman", "why", "00c0ffee00c0ffee", "--admin", "http://h:1"});
  EXPECT_EQ(why.id, "00c0ffee00c0ffee");
  EXPECT_FALSE(why.last);
  EXPECT_EQ(why.admin, "http://h:1");
  EXPECT_EQ(exit_of({"pointsman", "why", "nonsense"}).code, 1);
  EXPECT_EQ(exit_of({"pointsman", "why", "00c0ffee00c0ffee", "--last"}).code, 1);
}

}  // namespace
}  // namespace pointsman
