"""How a simulation request is worded: volumes, therapy, plans, how far ahead, changes."""

from consilium.finetune.synthesis.voices import Forms

VISIT = Forms(
    "visit {v}", "visit {v}", "V{v}", "the {o} visit", terse=["v{v}", "visit {v}", "V{v}"]
)

VISITS = Forms(
    "visits {list}",
    "visits {list}",
    "visit {list}",
    "the {ordinals} visits",
    terse=["v{list}", "visits {list}", "{list}"],
)

CHEMO = Forms(
    "chemo on {when}",
    "chemotherapy only at {when}",
    "received chemotherapy at {when}",
    "chemo at {when}",
    "chemotherapy at {when}",
    "chemotherapy was given at {when}",
    "chemo given {when}",
    terse=[
        "chemo @ {when}",
        "chemo'd at {when}",
        "CTx {when}",
        "ctx @ {when}",
        "chemo {when}",
        "chemo: {when}",
        "got chemo {when}",
    ],
    plain=["{he} got chemo at {when}", "Chemo was on {when}", "systemic chemo at {when}"],
    formal=[
        "{he} received chemotherapy at {when}",
        "a cycle of chemotherapy was given at {when}",
        "chemotherapy at {when}",
        "chemotherapy was administered at {when}",
    ],
)

RADIO = Forms(
    "RT on {when}",
    "radiation given at {when}",
    "received radiotherapy at {when}",
    "RT at {when}",
    "radiotherapy at {when}",
    "radiotherapy was given at {when}",
    "radiation at {when}",
    terse=[
        "rads @ {when}",
        "rt at {when}",
        "radiated {when}",
        "RT {when}",
        "xrt {when}",
        "rads {when}",
        "RT: {when}",
        "rt @ {when}",
        "XRT at {when}",
    ],
    plain=["irradiated at {when}", "radiation was on {when}", "{he} had radiation at {when}"],
    formal=[
        "{he} received radiotherapy at {when}",
        "a fraction of radiotherapy was given at {when}",
        "radiotherapy at {when}",
        "radiotherapy was delivered at {when}",
    ],
)

BOTH = Forms(
    "chemoRT at {when}",
    "both chemo and radiotherapy at {when}",
    "chemo plus RT at {when}",
    "concurrent chemoradiotherapy at {when}",
    "chemoradiation at {when}",
    "chemo and RT both at {when}",
    "chemoradiotherapy at {when}",
    terse=["CRT {when}", "chemo+RT {when}", "concurrent chemo/RT @ {when}", "ccrt at {when}"],
    plain=["combined radiochemotherapy at {when}", "chemo together with radiation at {when}"],
    formal=[
        "chemoradiotherapy was given at {when}",
        "chemotherapy and radiotherapy together at {when}",
        "concurrent chemoradiotherapy was delivered at {when}",
    ],
)

NO_THERAPY = Forms(
    "nothing given so far",
    "no therapy yet",
    "treatment-naive",
    "never had chemo or radiation",
    "no treatment so far",
    "untreated so far",
    "no chemo or RT yet",
    "never treated",
    terse=[
        "no rx yet",
        "never had chemo/rads",
        "untx",
        "tx naive",
        "no tx to date",
        "no prior chemo/RT",
    ],
    formal=[
        "the patient has had no treatment thus far",
        "no treatment has been given to date",
        "neither chemotherapy nor radiotherapy so far",
    ],
    plain=[
        "until now no therapy",
        "no chemotherapy and no radiation until now",
    ],
)

PLAN_NAMES = {
    "none": Forms(
        "no treatment",
        "observation",
        "nothing",
        "watchful waiting",
        "no therapy",
        terse=["no tx", "none", "obs", "observation only"],
        plain=["without therapy", "doing nothing", "none"],
        formal=["no treatment", "observation alone", "surveillance without treatment"],
    ),
    "chemotherapy": Forms(
        "chemo", "chemotherapy", "chemotherapy alone", terse=["chemo", "CTx", "chemo alone"]
    ),
    "radiotherapy": Forms(
        "radiotherapy",
        "RT",
        "radiation",
        terse=["RT", "xrt", "rads", "RT alone"],
        formal=["radiotherapy alone"],
    ),
    "chemoradiotherapy": Forms(
        "chemoradiotherapy",
        "chemoradiation",
        "combined chemoradiotherapy",
        terse=["CRT", "chemoRT", "chemorads", "chemo+RT together"],
        plain=["radiochemotherapy", "chemoradiation", "both together (chemoradiation)"],
    ),
}

UNDER = Forms(
    "assuming {plans}",
    "for {plans} only",
    "with {plans} alone",
    "under {plans}",
    "with {plans}",
    "if we [give|choose|go for] {plans}",
    "plan: {plans}",
    "on {plans} only",
    terse=["{plans} only", "just {plans}", "plans: {plans}", "w/ {plans}", "plan {plans}"],
    plain=["only the scenario {plans}", "only {plans}", "when {plans} is used"],
    formal=[
        "on {plans} alone",
        "supposing we give {plans}",
        "under {plans} only",
        "were we to offer {plans}",
        "restricted to {plans}",
    ],
)

COMPARE = Forms(
    "compare {plans}",
    "plans: {plans}",
    "only {plans}",
    "[for|under] {plans}",
    "comparing {plans}",
    terse=["{plans}", "just {plans}", "plans {plans}"],
    plain=["only these plans: {plans}", "scenarios {plans}", "I want to see {plans}"],
    formal=["a comparison of {plans}", "under {plans} respectively"],
)

NONE_ONLY = Forms(
    "if we only watch it",
    "with no treatment whatsoever",
    "just observing",
    "if nobody treats it",
    "observation only",
    "if we just watch",
    "if all [therapy|treatment] is stopped now",
    "without any treatment",
    "if nothing more is done",
    "no further treatment",
    "if left untreated",
    terse=[
        "no tx whatsoever",
        "watch only",
        "if we sit on it",
        "if we leave it alone",
        "no further tx",
        "hands off",
        "no tx at all",
        "just obs",
        "if we do nothing",
        "natural course only",
        "off all therapy",
    ],
    plain=[
        "when we do not treat at all",
        "only observation please",
        "only the case without therapy",
        "if therapy stops now",
        "when we stop everything",
        "if the patient refuses all therapy",
        "only natural growth",
    ],
    formal=[
        "were we merely to observe",
        "under observation alone",
        "if no further treatment is given",
        "with no intervention at all",
        "should we simply watch and wait",
        "on the assumption that treatment is discontinued altogether",
        "if we simply observe",
        "should the patient decline all further treatment",
    ],
)

ALL_PLANS = Forms(
    "all plans", "under every plan", "all four options", "each option", "all the plans you have"
)

AHEAD = Forms(
    "over {n} visits",
    "up to {n} visits ahead",
    "[for|over] the following {n} visits",
    "[over|for] the next {n} visits",
    "{n} visits ahead",
    "the next {n} visits",
    "horizon {n}",
    "for {n} [more|further] visits",
    terse=[
        "next {n} visits",
        "{n} ahead",
        "hor {n}",
        "out to {n} visits",
        "{n} visits",
        "next {n}",
        "horizon {n}",
        "x {n} visits",
        "{n} visits out",
    ],
    plain=[
        "{n} visits into the future",
        "the {n} coming visits",
        "for coming {n} visits",
        "{n} visits forward",
        "prediction for {n} visits",
    ],
    formal=[
        "over the {n} visits that follow",
        "as far as {n} visits ahead",
        "the coming {n} visits",
        "over the coming {n} visits",
        "looking {n} visits ahead",
        "for the {n} visits to come",
    ],
)

ONE_AHEAD = Forms(
    "at the very next visit",
    "only one visit ahead",
    "the coming visit only",
    "1 visit ahead",
    "[for|at] the next visit only",
    "just the next visit",
    "one visit ahead",
    "horizon [1|one]",
    "only the next one visit",
)

REQUESTS = Forms(
    "project the tumour volume",
    "run the simulation",
    "simulate the tumour growth",
    "what happens to the volume",
    "simulate [the tumour|the tumor|this tumour|the volumes|it]",
    "run the [treatment simulation|tumour simulation|simulator]",
    "how will the [tumour|tumor|volume] [develop|go on|behave]",
    "predict the [tumour|tumor] volume",
    "[please |]forecast the [tumour|tumor|lesion] volume",
    "what will the volume be",
    terse=[
        "run the sim",
        "what does it do",
        "project it",
        "run the tumor model",
        "simulate pls",
        "where is this headed",
        "tumor sim",
        "sim this",
        "run tumor sim",
        "project the volumes",
        "where does this go",
        "tumor forecast pls",
        "simulate tx",
        "growth projection",
        "model the lesion",
        "whats it gonna do",
    ],
    plain=[
        "please simulate",
        "how will it go on with the tumour",
        "simulation of the volume please",
        "calculate the further volume",
        "please simulate the growth",
        "I want to see how the tumour will change",
        "what happens with the tumour",
        "can you calculate how the volume continues",
        "make a simulation of the therapy please",
        "show me how the lesion will develop",
    ],
    formal=[
        "please look ahead for us",
        "we would value a simulation",
        "kindly forecast the tumour volume",
        "I should be grateful for a projection",
        "what might we expect of the tumour",
        "would you kindly project the tumour volume",
        "we should be glad of a forecast of the volume",
        "might you model the course of this tumour",
        "kindly simulate the further course",
        "the MDT would like a projection",
        "please could the tumour's course be simulated",
    ],
)

CONTEXT = Forms(
    "{site}.",
    "{site}, {note}.",
    "",
    "",
    "",
    "{note}.",
)

SITES = (
    "NSCLC right upper lobe",
    "brain metastasis",
    "glioma",
    "cervical cancer",
    "rectal carcinoma",
    "lung adenocarcinoma",
    "head and neck SCC",
    "liver lesion",
    "oesophageal carcinoma",
    "soft tissue sarcoma",
    "meningioma",
    "pancreatic head tumour",
    "nodal mass in the neck",
    "bladder tumour",
    "low-grade astrocytoma",
    "thymoma",
    "small cell lung cancer",
    "vestibular schwannoma",
)

NOTES = (
    "tumour board on Thursday",
    "ECOG 1",
    "patient is {age}",
    "60 Gy planned",
    "KPS 80",
    "biopsy done in March",
    "visits {weeks} weeks apart",
    "patient is now {age} years old",
    "tolerates treatment well",
    "slow grower",
    "contouring redone",
    "asymptomatic",
    "seen in clinic today",
    "second opinion wanted",
    "study arm B",
    "MRI every {weeks} weeks",
    "EGFR wild type",
    "PD-L1 {percent} %",
    "no distant mets",
)

UNITS = (" cm3", " cm3", " cc", " cc", " ml", " cm³", "cc", " ccm", " mL")

SERIES = Forms(
    "volumes {v}",
    "volumes: {v}",
    "tumour volumes so far {v}",
    "{v}",
    "serial volumes {v}",
    "volumes, oldest first: {v}",
    terse=["vols {v}", "{v}", "vol {v}", "tumor vols {v}", "vols: {v}", "measured {v}"],
    plain=[
        "the volumes were {v}",
        "tumour had {v}",
        "volumes from first to last {v}",
        "it was {v}",
    ],
    formal=[
        "serial volumes were {v}",
        "the volumes, oldest first, are {v}",
        "successive visits gave {v}",
        "we have measured {v}",
    ],
)

REVERSED = Forms(
    "volumes, newest first: {v}",
    "{v} (latest first)",
    "from the most recent back: {v}",
    "volumes in reverse order (latest first) {v}",
    terse=["vols newest -> oldest {v}", "latest first: {v}", "most recent first {v}"],
    formal=["the volumes, most recent first, are {v}", "beginning with the latest: {v}"],
)

STEPS = Forms(
    "first {a}, then {b}",
    "it went from {a} to {b}",
    "started at {a}, then {b}",
    "{a} at [baseline|first visit|diagnosis], {b} after that",
    terse=["{a} -> {b}", "{a} at dx, then {b}"],
)

BACKWARDS = Forms(
    "last volume {last}, before it {rest}, the first {first}",
    "the newest measures {last}, the previous one {rest} and the oldest {first}",
    "{last} today, {rest} last time, {first} at baseline",
    "latest scan {last}, [the one before|before that] {rest}, [the very first|first ever|at the start] {first}",
    "now {last}, previously {rest}, and at first {first}",
    "most recent {last}, before that {rest}, initially {first}",
    terse=[
        "now {last}, prior {rest}, baseline {first}",
        "today {last}, before {rest}, at dx {first}",
    ],
)

MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()

NO_VOLUMES = Forms(
    "the volumes are in the other system",
    "growing since spring",
    "it has doubled in size",
    "the radiologist calls it larger",
    "about the size of a walnut",
    "",
    "",
    "",
)

ONE_VOLUME = Forms(
    "the tumour measures {v}{unit}",
    "volume today {v}{unit}",
    "currently {v}{unit}",
    "single measurement so far, {v}{unit}",
    terse=["{v}{unit} on todays scan", "tumor {v}{unit}"],
    formal=["there is one measurement to date, of {v}{unit}"],
)

NEW_VOLUME = Forms(
    "new scan today: {v}{unit}. add it and run again",
    "add one more visit with {v}{unit}",
    "the next measurement was {v}{unit}, repeat please",
    terse=["todays vol {v}{unit}, rerun", "+ new visit {v}{unit}"],
    formal=["a further visit has since given {v}{unit}; kindly add it"],
)

ONLY_PLAN = Forms(
    "now {plans}",
    "and {plans}?",
    "the same, {plans}",
    "same data, {plans} please",
    "what about {plans}",
    terse=["ok now {plans}", "rerun, {plans}"],
)

FURTHER = Forms(
    "[now|the same|and] {ahead}?",
    "make it {ahead}",
    "same but {ahead}",
    "can you show it {ahead}",
    terse=["redo {ahead}", "{ahead} instead"],
    formal=["kindly repeat it {ahead}", "and {ahead}, if I may?"],
)

ADD_THERAPY = Forms(
    "I forgot: {therapy}. again please",
    "{therapy}, that was missing. repeat",
    "add that {therapy}",
    terse=["also {therapy}, rerun", "forgot {therapy}"],
    formal=["I omitted to say {therapy}; kindly repeat the simulation"],
)

CORRECT = Forms(
    "sorry, the {o} volume is {v}, not {old}",
    "correction: {v} instead of {old}",
    "typo, {old} should be {v}, again please",
    terse=["its {v} not {old}", "{old} -> {v} rerun"],
    formal=["the figure of {old} ought to read {v}; please repeat"],
)
