#pragma once

#include <concepts>
#include <memory>
#include <vector>

#include "pointsman/model/names.h"
#include "pointsman/stage/admitter.h"
#include "pointsman/stage/arrival_hook.h"
#include "pointsman/stage/datalayer.h"
#include "pointsman/stage/decider.h"
#include "pointsman/stage/filter.h"
#include "pointsman/stage/linked.h"
#include "pointsman/stage/parser.h"
#include "pointsman/stage/picker.h"
#include "pointsman/stage/producer.h"
#include "pointsman/stage/profile_handler.h"
#include "pointsman/stage/saturation.h"
#include "pointsman/stage/scorer.h"
#include "pointsman/stage/screener.h"
#include "pointsman/stage/state_dumper.h"

namespace pointsman {

// A data key that a plugin declared when it was built.
struct Declaration {
  enum class Access : std::uint8_t { produces, requires_it, reads_if_there };
  DataKey key;
  Access access = Access::requires_it;
  const void* type = nullptr;  // identity of the C++ type, see type_tag()
};

// One configured plugin: the roles it plays, all sharing one state. A profile takes filter, scorer
// and picker from it; the pipeline takes the rest.
struct Instance {
  TypedName name;    // with the type that the plugin reports
  std::string type;  // the type under which it was configured
  std::shared_ptr<Filter> filter;
  std::shared_ptr<Scorer> scorer;
  std::shared_ptr<Picker> picker;
  std::shared_ptr<ProfileHandler> handler;
  std::shared_ptr<Decider> decider;
  std::shared_ptr<Linked> linked;
  std::shared_ptr<Producer> producer;
  std::shared_ptr<Preparer> preparer;
  std::shared_ptr<ArrivalHook> arrival_hook;
  std::shared_ptr<Screener> screener;
  std::shared_ptr<Admitter> admitter;
  std::shared_ptr<Hook> hook;
  std::shared_ptr<ResponseHook> response_hook;
  // Which of its moments that hook has not left to the base class: the head of a response, and any
  // of what comes behind it.
  bool hears_head = false;
  bool hears_body = false;
  std::shared_ptr<Upkeep> upkeep;
  std::shared_ptr<Gauged> gauged;
  std::shared_ptr<StateDumper> dumper;
  std::shared_ptr<Parser> parser;
  std::shared_ptr<SaturationDetector> saturation;
  std::shared_ptr<FlowPolicy> flow_policy;
  std::shared_ptr<Source> source;
  std::shared_ptr<Extractor> extractor;
  std::shared_ptr<Discovery> discovery;
  std::vector<Declaration> declarations;

  // Puts a plugin into the slot of every role it has.
  template <typename P>
  void play(const std::shared_ptr<P>& plugin) {
    cast(plugin, filter);
    cast(plugin, scorer);
    cast(plugin, picker);
    cast(plugin, handler);
    cast(plugin, decider);
    cast(plugin, linked);
    cast(plugin, producer);
    cast(plugin, preparer);
    cast(plugin, arrival_hook);
    cast(plugin, screener);
    cast(plugin, admitter);
    cast(plugin, hook);
    cast(plugin, response_hook);
    if constexpr (std::derived_from<P, ResponseHook>) {
      hears_head = !std::same_as<decltype(&P::answered), decltype(&ResponseHook::answered)>;
      hears_body = !std::same_as<decltype(&P::first_bytes), decltype(&ResponseHook::first_bytes)> ||
                   !std::same_as<decltype(&P::finished), decltype(&ResponseHook::finished)>;
    }
    cast(plugin, upkeep);
    cast(plugin, gauged);
    cast(plugin, dumper);
    cast(plugin, parser);
    cast(plugin, saturation);
    cast(plugin, flow_policy);
    cast(plugin, source);
    cast(plugin, extractor);
    cast(plugin, discovery);
  }

 private:
  template <typename P, typename Role>
  static void cast(const std::shared_ptr<P>& plugin, std::shared_ptr<Role>& slot) {
    if constexpr (std::derived_from<P, Role>) slot = plugin;
  }
};

}  // namespace pointsman
