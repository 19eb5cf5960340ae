#include "specialist/impatient_callers.h"

#include <array>
#include <cmath>

#include "base/logistic.h"
#include "base/random.h"

namespace sotto {
namespace {

using Outcome = TurnRecord::Outcome;

// Of each list the first half is trained on, the second measured.
constexpr std::array<std::string_view, 16> kRequests = {"I want to move two hundred to savings",
                                                        "what's my checking balance",
                                                        "please block my credit card",
                                                        "I need to pay my phone bill",
                                                        "can you send me last month's statement",
                                                        "I lost my debit card yesterday",
                                                        "set up a payment to my landlord",
                                                        "I didn't make this payment of forty dollars",
                                                        "how much is on my account",
                                                        "cancel the standing order for the gym",
                                                        "my card was swallowed by the machine",
                                                        "transfer fifty to my sister",
                                                        "I'd like a new card please",
                                                        "change my address to elm street",
                                                        "when is my loan due",
                                                        "raise my card limit to two thousand"};
constexpr std::array<std::string_view, 12> kAnswers = {"from checking",
                                                       "yes",
                                                       "the one ending in four five three two",
                                                       "two hundred dollars",
                                                       "savings",
                                                       "no",
                                                       "yes please",
                                                       "my name is jane miller",
                                                       "the visa card",
                                                       "ok",
                                                       "next friday",
                                                       "right"};
constexpr std::array<std::string_view, 16> kMild = {"that's not what I said",
                                                    "no I said savings",
                                                    "I already told you the number",
                                                    "you asked me that already",
                                                    "once more then",
                                                    "did you get that",
                                                    "are you still there",
                                                    "that is wrong",
                                                    "no, listen please",
                                                    "not that one, the other",
                                                    "as I said before",
                                                    "hm, that isn't right",
                                                    "I just gave you the amount",
                                                    "it's the same question again",
                                                    "you are not understanding me",
                                                    "can you hear me at all"};
constexpr std::array<std::string_view, 18> kAngry = {
    "this is ridiculous",       "for the third time, block the card", "how many times do I have to say it",
    "this is a waste of time",  "I'm really fed up with this",        "what a terrible service",
    "you're useless",           "this doesn't work at all",           "oh for god's sake",
    "I can't believe this",     "that is simply unacceptable",        "I've been at this for twenty minutes",
    "it's a joke, honestly",    "you people never get it done",       "I'm getting very frustrated here",
    "why is this so damn hard", "not happy with this at all",         "what nonsense"};
constexpr std::array<std::string_view, 10> kLeaving = {"forget it",
                                                       "I give up",
                                                       "I'm done with this",
                                                       "never mind then",
                                                       "I'll go elsewhere",
                                                       "this is pointless",
                                                       "that's it, I've had it",
                                                       "don't bother",
                                                       "I'll take my money to another bank",
                                                       "I'll just go to the branch"};

template <size_t N>
std::string_view PickOf(const std::array<std::string_view, N>& list, bool other, Random& random) {
  return list[random.Below(N / 2) + (other ? N / 2 : 0)];
}

double Normal(Random& random) {
  const double u = std::max(random.Uniform(), 1e-12);
  return std::sqrt(-2 * std::log(u)) * std::cos(2 * std::acos(-1.0) * random.Uniform());
}

// One caller. Annoyance grows with what goes wrong and fades with what goes well; who is more annoyed than patient
// leaves, sooner or later. Some show it, others leave in silence.
void PlayCaller(bool other, Random& random, std::vector<JudgedMoment>& out) {
  const double patience = 2.2 * std::exp(0.5 * Normal(random));
  const double shows_it = random.Uniform();
  const double line = random.Chance(0.3) ? 0.2 + 0.35 * random.Uniform() : 0.12 * random.Uniform();
  double annoyance = 0.3 * std::abs(Normal(random));
  const auto n_turns = 2 + random.Below(10);
  CallSoFar call;
  std::vector<size_t> moments;
  size_t left = SIZE_MAX;  // the turn after which the caller was gone
  std::string last;
  bool was_lost = false;
  for (size_t t = 0; t < n_turns; ++t) {
    CallTurn turn;
    if (random.Chance(0.03 + 0.02 * std::min(annoyance, 3.0))) {
      turn.outcome = Outcome::kNoInput;
    } else {
      const bool request = t == 0 || random.Chance(0.35);
      turn.text = was_lost && random.Chance(0.55) ? last
                  : request                       ? std::string(PickOf(kRequests, other, random))
                                                  : std::string(PickOf(kAnswers, other, random));
      last = turn.text;
      if (random.Chance(shows_it * Sigmoid(2 * (annoyance - 1.2)))) {
        const double strength = annoyance / patience + 0.3 * Normal(random);
        const std::string_view more = strength > 1.0   ? PickOf(kLeaving, other, random)
                                      : strength > 0.6 ? PickOf(kAngry, other, random)
                                                       : PickOf(kMild, other, random);
        turn.text = random.Chance(0.4) ? std::string(more) : fmt::format("{}, {}", more, turn.text);
      }
      const bool lost = random.Chance(std::min(0.9, line + (turn.text == last ? 0 : 0.1)));
      turn.outcome = lost ? Outcome::kNotUnderstood : Outcome::kHandled;
      if (!lost) {
        turn.denials = random.Chance(0.06 + line * 0.4);
        turn.rejected = random.Chance(0.05);
        turn.failed = random.Chance(0.05);
        turn.dropped = random.Chance(0.02 + 0.05 * std::min(annoyance, 3.0));
      }
    }
    const size_t moment = out.size();
    out.push_back({call, turn.text, false});
    moments.push_back(moment);
    was_lost = turn.outcome == Outcome::kNotUnderstood;
    annoyance += was_lost ? 0.9 : turn.outcome == Outcome::kNoInput ? 0.3 : -0.4;
    annoyance += 0.6 * (turn.denials + turn.rejected) + 1.1 * turn.failed;
    annoyance = std::max(annoyance, 0.0);
    call.turns.push_back(std::move(turn));
    if (random.Chance(Sigmoid(3 * (annoyance - patience)))) {
      left = t;
      break;
    }
  }
  for (size_t t = 0; t < moments.size(); ++t) out[moments[t]].gave_up = left != SIZE_MAX && left - t <= 1;
}

}  // namespace

std::vector<JudgedMoment> SimulateImpatientCallers(const ImpatientCallers& options) {
  Random random(options.seed);
  std::vector<JudgedMoment> out;
  for (size_t i = 0; i < options.calls; ++i) PlayCaller(options.other_words, random, out);
  return out;
}

}  // namespace sotto
