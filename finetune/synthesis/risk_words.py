"""How a risk request is worded: facts about a patient, what only resembles one, requests, changes."""

from consilium.finetune.synthesis.voices import Forms

BP_DRUGS = (
    "lisinopril ramipril amlodipine losartan valsartan enalapril perindopril candesartan indapamide "
    "hydrochlorothiazide chlortalidone nifedipine telmisartan olmesartan irbesartan bendroflumethiazide "
    "bisoprolol carvedilol lercanidipine felodipine benazepril doxazosin"
).split()

STATINS = "atorvastatin simvastatin rosuvastatin pravastatin pitavastatin fluvastatin".split()

TREATED = Forms(
    "on {drug} for hypertension",
    "on {drug} for BP",
    "takes {drug} for blood pressure",
    "treated hypertension",
    "hypertension, on {drug}",
    "BP treated",
    "antihypertensives: {drug}",
    "on BP medication",
    terse=[
        "on {drug} for htn",
        "htn on {drug}",
        "htn on meds",
        "HTN ({drug})",
        "bp meds yes",
        "on bp meds",
        "{drug} for htn",
        "on 2 bp meds",
        "treated htn",
        "takes {drug} for bp",
    ],
    plain=[
        "takes tablets for the blood pressure",
        "takes BP medicine ({drug})",
        "uses {drug} against high pressure",
        "under BP treatment",
        "blood pressure medication: yes",
        "already on {drug} for {his} pressure",
    ],
    formal=[
        "on treatment for hypertension",
        "taking {drug} for hypertension",
        "treated with {drug} for raised blood pressure",
        "on antihypertensive treatment",
        "whose hypertension is treated with {drug} and {drug2}",
        "on tablets for blood pressure",
    ],
)

UNTREATED = Forms(
    "no BP medication",
    "not on BP treatment",
    "untreated BP",
    "no antihypertensives",
    terse=["no bp meds", "no htn meds", "not on bp meds", "bp meds -", "bp untreated"],
    plain=["does not take any tablets for blood pressure", "BP medication: no", "BP untreated"],
    formal=["not on treatment for blood pressure", "on no antihypertensive treatment"],
)

DIABETIC = Forms(
    "diabetic",
    "type 2 diabetes",
    "T2DM",
    "with diabetes",
    "diabetes",
    "type 1 diabetes",
    terse=["DM2", "dm+", "T2DM on metformin", "+DM", "IDDM", "DM yes", "dm2 on insulin", "T1DM"],
    plain=[
        "diabetes: yes",
        "has sugar disease (type 2)",
        "diabetic since [2008|2011|2015|2019]",
        "type 2 diabetes on metformin",
        "diabetes type 2",
        "is a diabetic",
    ],
    formal=[
        "with type 2 diabetes",
        "with diet-controlled diabetes",
        "known to have type 2 diabetes",
        "with insulin-treated diabetes",
        "diabetic for [ten|twelve|five] years",
    ],
)

NOT_DIABETIC = Forms(
    "no diabetes",
    "not diabetic",
    "no diabetes",
    "HbA1c normal, no diabetes",
    terse=["no DM", "no dm", "DM neg", "non-diabetic", "dm -", "denies DM", "nondiabetic"],
    plain=[
        "diabetes: no",
        "without diabetes",
        "sugar is normal",
        "mother diabetic but {he} is not",
    ],
    formal=["no history of diabetes", "not diabetic", "without diabetes", "does not have diabetes"],
)

SMOKES = Forms(
    "smoker",
    "current smoker",
    "smokes",
    "smokes {per_day} a day",
    "still smoking",
    "active smoker",
    terse=[
        "smokes {per_day} cig/d",
        "1 ppd",
        "1/2 ppd",
        "+tob",
        "smoker ({pack_years} pack yrs)",
        "current smoker {pack_years} py",
        "smokes 1ppd",
        "tob: yes",
        "smoker +",
    ],
    plain=[
        "smoking: yes",
        "smokes {per_day} cigarettes per day",
        "has been smoking since the age of [16|17|19|20]",
        "smoker, {pack_years} pack-years",
        "smoker yes",
    ],
    formal=[
        "who smokes {per_day} cigarettes a day",
        "a smoker",
        "still a smoker",
        "a smoker of {per_day} a day",
        "who continues to smoke",
    ],
)

NO_SMOKER = Forms(
    "non-smoker",
    "never smoked",
    "ex-smoker",
    "nonsmoker",
    "former smoker",
    "stopped smoking in {year}",
    terse=[
        "never smoker",
        "quit smoking {year}",
        "no tob",
        "ex smoker, {pack_years} pack yrs, quit {year}",
        "non smoker",
        "former smoker quit {year}",
        "denies tob",
        "tob -",
    ],
    plain=[
        "smoking: no",
        "does not smoke",
        "does not smoke any more since {year}",
        "ex-smoker since {year}",
        "lifelong non-smoker",
        "gave up cigarettes in {year}",
    ],
    formal=[
        "a lifelong non-smoker",
        "who has never smoked",
        "who gave up smoking in {year}",
        "a former smoker",
        "an ex-smoker of {pack_years} pack-years who stopped in {year}",
    ],
)

STATIN = Forms(
    "on {statin}",
    "on {statin} {dose}",
    "on a statin",
    "takes {statin}",
    "statin: yes",
    "already on {statin}",
    terse=["on {statin} {dose}", "statin yes", "{statin} {dose} qhs", "on statin", "+ statin"],
    plain=[
        "takes a statin",
        "{statin} {dose} mg in the evening",
        "uses {statin} since [2016|2021]",
    ],
    formal=["taking {statin} {dose} mg at night", "already established on {statin}", "on a statin"],
)

NO_STATIN = Forms(
    "no statin",
    "not on a statin",
    "statin-naive",
    "statin: no",
    terse=["no statin", "statin naive", "not on statin", "off statins (myalgia)"],
    formal=["not taking a statin", "who declined a statin", "who stopped {his} statin last year"],
)

EGFR = Forms(
    "eGFR {egfr}",
    "eGFR {egfr}",
    "eGFR of {egfr}",
    "GFR {egfr} ml/min",
    "eGFR: {egfr} mL/min/1.73 m2",
    terse=["egfr {egfr}", "gfr {egfr}"],
)

BMI = Forms("BMI {bmi}", "BMI of {bmi}", "BMI: {bmi}", "BMI {bmi} kg/m2", "body mass index {bmi}")

# Numbers and histories that belong to no argument.
DISTRACTORS = Forms(
    "LDL {ldl}",
    "triglycerides {tg}",
    "TG {tg}",
    "HR {hr}",
    "pulse {hr}",
    "HbA1c {hba1c}",
    "weight {weight} kg",
    "creatinine {crea}",
    "on aspirin 81",
    "father had an MI at {mi_age}",
    "family history positive",
    "temp {temp}",
    "SpO2 {sat} %",
    terse=[
        "ldl {ldl}",
        "a1c {hba1c}",
        "cr {crea}",
        "hr {hr}",
        "rr 16",
        "sat {sat} RA",
        "FHx +",
        "wt {weight}kg",
        "asa 81",
        "trop neg x2",
        "K 4.1",
        "tg {tg}",
        "MRN ends 4471",
    ],
    plain=[
        "brother had heart attack at {mi_age}",
        "takes omeprazole",
        "waist {waist} cm",
        "walks 3 km daily",
        "husband smokes",
        "uric acid normal",
    ],
    formal=[
        "LDL cholesterol {ldl}",
        "a resting pulse of {hr}",
        "triglycerides {tg}",
        "{his} father died of a coronary at {mi_age}",
        "a weight of {weight} kg",
        "no previous cardiac events",
    ],
)

REQUESTS = Forms(
    "[what is|what's] {his} [cardiovascular|CV|cardiac] risk?",
    "[please |]calculate {his} [cardiovascular|CV] risk",
    "[can|could] you [estimate|calculate|work out] {his} 10-year risk?",
    "please estimate the 10 year [cardiovascular|CV] risk",
    "CV risk please",
    "run the [risk score|risk calculator|cardiovascular risk]",
    "I need {his} cardiovascular risk",
    "how high is {his} [heart attack and stroke|cardiovascular|CV] risk?",
    terse=[
        "cv risk?",
        "10 yr risk?",
        "ascvd risk pls",
        "need a risk score",
        "risk calc please",
        "run cv risk",
        "calc 10y cvd risk",
        "cvd risk for this one",
        "whats the cv risk",
        "ten year risk?",
        "risk score on this pt",
        "gimme {his} long term cv risk",
        "get me the cardiac risk number",
        "prevent/ascvd type risk pls",
        "can u run the risk thing",
    ],
    plain=[
        "how big is the risk for heart in next 10 years?",
        "please make the risk calculation",
        "could you tell me the risk of a cardiovascular event?",
        "what number do you get for the CV risk?",
        "I want to know the cardiovascular risk",
        "what would you predict for {his} heart risk?",
        "please compute the risk of infarct or stroke",
        "would like a risk estimate before the visit",
        "do the cardiovascular prediction please",
        "is {his} 10 year risk high? please calculate",
    ],
    formal=[
        "I should be grateful for an estimate of {his} ten-year cardiovascular risk",
        "might I have {his} cardiovascular risk, please?",
        "would you be so kind as to calculate the risk?",
        "kindly work out {his} cardiovascular risk",
        "may I ask for a formal risk estimate?",
        "could you let me have {his} cardiovascular risk?",
        "what would you put {his} risk of a cardiovascular event at?",
        "please provide the ten-year risk so that we may discuss treatment",
        "we would value a cardiovascular risk estimate before {his} review",
        "I wonder whether you could compute the cardiovascular risk for me",
    ],
)

REQUEST_FOR = Forms(
    "[what is|what's] the [CV|cardiovascular|10-year] risk [for|of] {description}",
    "[calculate|estimate] the [CV|cardiovascular] risk [for|of] {description}",
    "CV risk for {description}",
    "I need a risk estimate for {description}",
    terse=[
        "risk on {description}",
        "10y risk {description}",
        "run risk for {description}",
        "ascvd {description}",
    ],
    formal=[
        "may I have the cardiovascular risk of {description}",
        "kindly estimate the risk of {description}",
    ],
)

SETTINGS = Forms(
    "pre-op clinic.",
    "lipid clinic.",
    "health check.",
    "ED chest pain, HEART score [1|2|3|4], first trop negative.",
    terse=[
        "ED cp r/o, trop neg x2.",
        "rm {n}, cp workup.",
        "clinic pt {n} of 18.",
        "annual physical.",
        "pmh gout.",
    ],
    plain=[
        "check-up in the practice.",
        "for the insurance.",
        "appointment {n} today.",
        "exam case {n}.",
    ],
    formal=[
        "referred by the occupational physician.",
        "seen in the hypertension clinic.",
        "new to the practice.",
    ],
)

BP = Forms(
    "BP {sbp}/{dbp}",
    "BP {sbp}/{dbp} mmHg",
    "systolic {sbp}",
    "blood pressure {sbp}/{dbp}",
    "systolic BP {sbp}",
    "SBP {sbp}",
    terse=[
        "bp {sbp}/{dbp}",
        "sbp {sbp}",
        "{sbp}/{dbp}",
        "{sbp} systolic",
        "sys {sbp}",
        "bp {sbp} over {dbp}",
        "BP today {sbp}/{dbp}",
    ],
    plain=[
        "blood pressure is {sbp}/{dbp}",
        "pressure {sbp}/{dbp} mmHg",
        "RR syst. {sbp}",
        "systolic pressure {sbp} mmHg",
        "BP {sbp} over {dbp}",
    ],
    formal=[
        "a systolic of {sbp}",
        "blood pressure {sbp}/{dbp} mmHg",
        "a sitting blood pressure of {sbp}/{dbp}",
        "systolic pressure {sbp} mmHg",
        "{sbp} systolic",
    ],
)

TC = Forms(
    "total cholesterol {tc}{unit}",
    "cholesterol {tc}{unit}",
    "TC {tc}{unit}",
    "total chol {tc}{unit}",
    "total cholesterol of {tc}{unit}",
    terse=[
        "tc {tc}{unit}",
        "chol {tc}{unit}",
        "T chol {tc}{unit}",
        "{tc}{unit} TC",
        "t.chol {tc}{unit}",
    ],
    plain=["cholesterol total {tc}{unit}", "Chol. {tc}{unit}", "TC is {tc}{unit}"],
    formal=["a total cholesterol of {tc}{unit}", "serum cholesterol {tc}{unit}"],
)

HDL = Forms(
    "HDL {hdl}{unit}",
    "HDL {hdl}{unit}",
    "HDL cholesterol {hdl}{unit}",
    "HDL-C {hdl}{unit}",
    "HDL of {hdl}{unit}",
    terse=["hdl {hdl}{unit}", "{hdl}{unit} HDL"],
    formal=["an HDL of {hdl}{unit}", "HDL {hdl}{unit}"],
)

LIPIDS = Forms(
    "TC/HDL {tc}/{hdl}{unit}",
    "lipids: TC {tc}, HDL {hdl}{unit}",
    "cholesterol {tc} with HDL {hdl}{unit}",
    "total cholesterol {tc} and HDL {hdl}{unit}",
    "cholesterol {tc}{unit} (HDL {hdl})",
    terse=[
        "tc {tc} hdl {hdl}{unit}",
        "lipids {tc} total / {hdl} hdl{unit}",
        "chol {tc}, hdl {hdl}{unit}",
    ],
)

PROSE = Forms(
    "{who}, {facts}",
    "{who}: {facts}",
    "{who} - {facts}",
    "{who}. {facts}",
    terse=["{who} {facts}", "{who} / {facts}", "{who}; {facts}"],
    plain=["I have {who}. {facts}", "patient is {who}, {facts}", "it is about {who}: {facts}"],
    formal=[
        "I write about {who}. {facts}",
        "{who} attended today: {facts}",
        "I have just seen {who}: {facts}",
        "this concerns {who}. {facts}",
        "{who} came for a health check; {facts}",
    ],
)

PENDING = Forms(
    "{missing} [not back yet|pending|to follow]",
    "{missing} still missing",
    "don't have the {missing} [yet|at hand]",
    "the {missing} [is|was] not [done|measured] yet",
    "no {missing} [yet|available]",
)

TASKS = Forms(
    "{who}: (1) {film}\n(2) [cardiovascular|CV] risk, {facts}",
    "{who}.\n- {film}\n- [and |][CV|cardiovascular] risk: {facts}",
    "{who}. {film}. also {his} [cardiovascular|CV] risk: {facts}",
    "{who}, {facts}. {film}, and [calculate|estimate] the [cardiovascular|CV] risk",
    "{who}. risk score ({facts}) and {film}",
    terse=["{who} {facts}. cv risk + {film}", "{who}: cv risk ({facts}), {film}"],
)

ONLY_NAME = Forms(
    "[what is|what's] the [CV|cardiovascular|cardiac] risk of {who}?",
    "[please |]calculate the [CV|cardiovascular] risk [for|of] {who}",
    "can you do a risk score for {who}?",
    "risk estimate for {who} please",
    terse=["cv risk for {who}", "risk calc on {who} pls", "need ascvd risk, {who}"],
    formal=[
        "kindly calculate the cardiovascular risk of {who}",
        "might I have a risk estimate for {who}, who is due this afternoon?",
    ],
)

CHANGES: dict[str, Forms] = {
    "quits": Forms(
        "and if {he} [quits|stops] smoking?",
        "what if {he} quit?",
        "now the same without the smoking",
        "suppose {he} gives up cigarettes, what then?",
        "same again as a non-smoker",
        terse=["w/o the cigs?", "and as nonsmoker?", "rerun, smoking off"],
        formal=[
            "and were {he} to give up smoking?",
            "might I see the figure had {he} never smoked?",
        ],
    ),
    "smokes": Forms(
        "sorry, I forgot: {he} smokes",
        "correction, {he} is a current smoker",
        "what if {he} started smoking?",
        "actually {he} still smokes, please repeat",
        terse=[
            "oh and smokes 1 ppd. rerun",
            "redo as smoker",
            "turns out still smoking, again pls",
        ],
        formal=["I omitted that {he} smokes; kindly repeat the calculation"],
    ),
    "treated": Forms(
        "what if {he} [goes on|starts] {drug} for the pressure, same numbers?",
        "I forgot that {he} takes {drug} for hypertension, please repeat",
        "and with BP treatment, everything else equal?",
        "same, but treated hypertension",
        terse=["redo w bp meds on", "wait - on {drug} for htn. again?", "same but bp treated"],
        formal=["I neglected to say that {he} is treated for hypertension; please recalculate"],
    ),
    "untreated": Forms(
        "and without the BP medication?",
        "correction: not on BP treatment any more, please repeat",
        "same but no antihypertensives",
        "what if {he} were untreated for the pressure?",
        terse=["rerun w/o bp meds", "bp meds off, same otherwise"],
    ),
    "diabetic": Forms(
        "and if {he} were diabetic?",
        "I forgot the diabetes, {he} has type 2. once more please",
        "same patient but with diabetes",
        "HbA1c came back, so {he} is diabetic now. what is the risk then?",
        terse=["add DM2", "redo with dm", "plus T2DM, rerun"],
        formal=["it appears that {he} has diabetes after all; kindly revise the estimate"],
    ),
    "statin": Forms(
        "and on a statin?",
        "now with {statin}",
        "what if I start {statin} {dose}?",
        "same but already on a statin",
        terse=["add statin", "rerun on {statin}", "w statin?"],
        formal=["and were we to start {statin}?", "please repeat it with a statin"],
    ),
    "sbp": Forms(
        "[and|what] if the systolic [were|was|is] {sbp}?",
        "same with BP {sbp}/{dbp}",
        "I repeated the pressure: {sbp}/{dbp} now. again please",
        "suppose we get the systolic down to {sbp}",
        "correction: systolic {sbp}",
        terse=["sbp {sbp} instead", "bp recheck {sbp}/{dbp}, rerun", "if sys {sbp}?"],
        formal=[
            "on repeat measurement it was {sbp}/{dbp}; kindly recalculate",
            "and at {sbp} systolic?",
        ],
    ),
    "tc": Forms(
        "[and|what] if the total cholesterol [were|was] {tc}?",
        "correction, total cholesterol is {tc}",
        "new lab: cholesterol {tc}. once more",
        "same with TC {tc}",
        terse=["tc {tc} instead", "typo, tc is {tc}", "rerun w tc {tc}"],
        formal=["the latest total cholesterol is {tc}; please revise"],
    ),
    "hdl": Forms(
        "sorry, HDL is {hdl}",
        "what if HDL were {hdl}?",
        "the HDL should read {hdl}, please repeat",
        "same with HDL {hdl}",
        terse=["hdl {hdl} not what i said", "hdl -> {hdl}, again", "typo hdl {hdl}"],
        formal=["I misread the HDL, which is {hdl}; kindly repeat"],
    ),
    "age": Forms(
        "and a few years on, at {age}?",
        "what would it be at {age}?",
        "sorry, {he} is {age}",
        "same values at age {age}?",
        terse=["make it {age}yo", "if {age}?", "age {age} actually, rerun"],
        formal=["my mistake, {he} is {age}; please recalculate"],
    ),
    "bmi": Forms(
        "BMI is {bmi}, add that please",
        "include BMI {bmi}",
        "I have the BMI now: {bmi}. repeat with it",
        terse=["bmi {bmi}, rerun", "add bmi {bmi}"],
        formal=["{his} BMI is {bmi}, should that alter the estimate"],
    ),
    "egfr": Forms(
        "eGFR is {egfr}, add that please",
        "include the eGFR of {egfr}",
        "kidney function came back, eGFR {egfr}. once more please",
        terse=["egfr {egfr} just back, rerun", "add egfr {egfr}"],
        formal=["{his} eGFR is {egfr}; would you take that into account?"],
    ),
}

NEXT = Forms(
    "and the same for {who}: {facts}",
    "now {who}: {facts}",
    "next one, {who}. {facts}",
    "and for {who}, {facts}",
    "what about {who}, {facts}?",
    terse=["next pt: {who}, {facts}", "same for {who} {facts}", "next: {who} - {facts}"],
    plain=["second patient is {who}, {facts}", "the same please for {who}: {facts}"],
    formal=[
        "and likewise for {who}: {facts}",
        "the next patient is {who}: {facts}",
        "might I have the same for {who}? {facts}",
    ],
)

EACH = Forms(
    "[CV|cardiovascular] risk for [both|each|all of them] please",
    "please calculate the risk of each",
    "I need the 10 year risk for every one of these",
    "what is the risk of each?",
    "risk for these patients please",
    terse=[
        "cv risk on each",
        "risk for all of these pls",
        "need risk x each",
        "run em all thru risk",
    ],
    plain=[
        "could you compare their cardiovascular risks?",
        "please compute the risk of every patient",
    ],
    formal=[
        "I should be glad of the cardiovascular risk of each",
        "kindly work out the risk for each of these patients",
    ],
)
