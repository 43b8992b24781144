#include "pointsman/app/resource_file.h"

#include <utility>

#include "pointsman/app/reload_metric.h"
#include "pointsman/app/router_parts.h"
#include "pointsman/config/resources.h"
#include "pointsman/fleet/text_file.h"

namespace pointsman {
namespace {

constexpr std::string_view kRefused = "resources not taken over: those before stay";
// The group of every pool that the router may be; --pool-group is for the cluster that is not
// there.
constexpr std::string_view kPoolGroup = "inference.networking.k8s.io";

}  // namespace

ResourceFile::ResourceFile(Options options, Metrics& metrics, MetricShard& shard, Loop& loop,
                           Logger log)
    : options_(std::move(options)),
      metrics_(metrics),
      shard_(shard),
      loop_(loop),
      log_(std::move(log)) {}

ResourceFile::~ResourceFile() = default;

bool ResourceFile::load() {
  const auto text = read_text_file(options_.path, Resources::kMaxBytes);
  if (!text) {
    log_.error("cannot read the resources (--resources-file)", {{"error", text.error().message}});
    return false;
  }
  return take_over(*text, "cannot read the resources (--resources-file)");
}

void ResourceFile::watch() {
  watcher_ = std::make_unique<FileWatcher>(
      options_.path, [this] { loop_.post([this] { reload(); }); }, options_.watcher);
}

void ResourceFile::reload() {
  const auto text = read_text_file(options_.path, Resources::kMaxBytes);
  const std::string& now = text ? *text : text.error().message;
  if (text && now == text_) {
    refused_.clear();
    return reloaded("unchanged");
  }
  if (now == refused_) return reloaded("refused");  // said before
  refused_ = now;
  if (!text) {
    log_.error(kRefused, {{"error", now}});
    return reloaded("refused");
  }
  if (!take_over(*text, kRefused)) return reloaded("refused");
  refused_.clear();
  reloaded("applied");
}

bool ResourceFile::take_over(const std::string& text, std::string_view failure) {
  auto resources = read_resources(text);
  if (!resources) {
    log_problems(log_, failure, resources.error());
    return false;
  }
  log_warnings(log_, resources->warnings);
  keep_ours(*resources);
  RequestRules rules(*resources);
  for (const std::string_view model : rules.models()) metrics_.models().pin(model);
  rules_.publish(std::move(rules));
  text_ = text;
  const std::size_t objectives = resources->objectives.size();
  const std::size_t rewrites = resources->rewrites.size();
  shard_.set(metrics_.series(metric::kResources, "InferenceObjective"),
             static_cast<double>(objectives));
  shard_.set(metrics_.series(metric::kResources, "InferenceModelRewrite"),
             static_cast<double>(rewrites));
  log_.info(verbosity::kDefault, "resources taken over",
            {{"file", options_.path}, {"objectives", objectives}, {"modelRewrites", rewrites}});
  return true;
}

void ResourceFile::keep_ours(Resources& resources) const {
  std::erase_if(resources.objectives, [&](const InferenceObjective& each) {
    return !ours(each.meta, *each.spec.pool, "InferenceObjective");
  });
  std::erase_if(resources.rewrites, [&](const InferenceModelRewrite& each) {
    return !ours(each.meta, *each.spec.pool, "InferenceModelRewrite");
  });
}

bool ResourceFile::ours(const ResourceMeta& meta, const PoolRef& pool,
                        std::string_view kind) const {
  const bool same_pool =
      options_.pool.empty() || (pool.name == options_.pool && pool.group == kPoolGroup);
  const bool same_space = options_.ns.empty() || meta.ns.empty() || meta.ns == options_.ns;
  if (same_pool && same_space) return true;
  log_.warning("a resource of another pool or namespace is passed over",
               {{"kind", kind},
                {"name", meta.text()},
                {"poolRef", pool.group + "/" + pool.name},
                {"line", meta.place.line}});
  return false;
}

void ResourceFile::reloaded(std::string_view result) {
  shard_.add(metrics_.series(metric::kResourceReloads, result));
}

}  // namespace pointsman
