"""Requests for similar cases: clinical descriptions put together from many parts."""

from typing import Any

from consilium.finetune.synthesis.clinic import SYMPTOMS
from consilium.finetune.synthesis.example import Call
from consilium.finetune.synthesis.people import SEXES, Person, introduce
from consilium.finetune.synthesis.request import Request
from consilium.finetune.synthesis.voices import Forms, Writer, bare

CONDITIONS = tuple(
    c.strip()
    for c in """lobar pneumonia|round pneumonia|empyema|lung abscess|miliary tuberculosis|cavitary tuberculosis|
    pleural tuberculosis|aspergilloma|invasive aspergillosis|pneumocystis pneumonia|cryptococcal pneumonia|
    mycoplasma pneumonia|legionella pneumonia|staphylococcal pneumonia|aspiration pneumonia|varicella pneumonia|
    RSV bronchiolitis|pertussis|croup|bronchiectasis|cystic fibrosis exacerbation|primary ciliary dyskinesia|
    asthma exacerbation|COPD exacerbation|alpha-1 antitrypsin deficiency|bullous emphysema|
    spontaneous pneumothorax|tension pneumothorax|haemothorax|chylothorax|malignant pleural effusion|
    parapneumonic effusion|mesothelioma|pleural plaques|asbestosis|silicosis|coal worker's pneumoconiosis|
    hypersensitivity pneumonitis|idiopathic pulmonary fibrosis|sarcoidosis|organising pneumonia|
    eosinophilic pneumonia|pulmonary alveolar proteinosis|lymphangioleiomyomatosis|Langerhans cell histiocytosis|
    pulmonary embolism|chronic thromboembolic pulmonary hypertension|pulmonary arterial hypertension|
    septic emboli|fat embolism|pulmonary oedema|negative pressure pulmonary oedema|ARDS|diffuse alveolar haemorrhage|
    granulomatosis with polyangiitis|Goodpasture syndrome|lupus pneumonitis|rheumatoid lung|
    scleroderma lung disease|drug-induced lung injury|amiodarone lung|bleomycin toxicity|methotrexate pneumonitis|
    radiation pneumonitis|immune checkpoint pneumonitis|small cell lung cancer|squamous cell lung cancer|
    lung adenocarcinoma|carcinoid tumour|pulmonary hamartoma|Pancoast tumour|lymphangitic carcinomatosis|
    pulmonary metastases|mediastinal lymphoma|thymoma|teratoma of the mediastinum|bronchogenic cyst|
    pulmonary sequestration|congenital diaphragmatic hernia|congenital lobar emphysema|bronchopulmonary dysplasia|
    hyaline membrane disease|meconium aspiration|transient tachypnoea of the newborn|foreign body aspiration|
    tracheal stenosis|tracheomalacia|vocal cord paralysis|hiatal hernia|achalasia|oesophageal perforation|
    oesophageal cancer|tracheo-oesophageal fistula|diaphragmatic paralysis|rib fractures|flail chest|
    pulmonary contusion|sternal fracture|aortic dissection|aortic rupture|abdominal aortic aneurysm|
    coarctation of the aorta|aortic stenosis|mitral stenosis|mitral valve prolapse|infective endocarditis|
    myocarditis|pericarditis|pericardial effusion|cardiac tamponade|constrictive pericarditis|
    hypertrophic cardiomyopathy|dilated cardiomyopathy|peripartum cardiomyopathy|cardiac amyloidosis|
    heart failure with preserved ejection fraction|acute myocardial infarction|left ventricular aneurysm|
    atrial myxoma|atrial septal defect|ventricular septal defect|tetralogy of Fallot|
    transposition of the great arteries|Kawasaki disease|rheumatic fever|atrial fibrillation|
    complete heart block|long QT syndrome|Brugada syndrome|deep vein thrombosis|May-Thurner syndrome|
    giant cell arteritis|Takayasu arteritis|polyarteritis nodosa|Behcet disease|antiphospholipid syndrome|
    systemic lupus erythematosus|dermatomyositis|Sjogren syndrome|adult-onset Still disease|gout|septic arthritis|
    osteomyelitis|vertebral discitis|psoas abscess|necrotising fasciitis|gas gangrene|toxic shock syndrome|
    meningococcal sepsis|bacterial meningitis|viral encephalitis|brain abscess|subdural haematoma|
    subarachnoid haemorrhage|cerebral venous thrombosis|ischaemic stroke|carotid dissection|status epilepticus|
    Guillain-Barre syndrome|myasthenia gravis|multiple sclerosis|glioblastoma|meningioma|pituitary apoplexy|
    Addison disease|Cushing syndrome|phaeochromocytoma|thyroid storm|myxoedema coma|medullary thyroid cancer|
    papillary thyroid cancer|primary hyperparathyroidism|diabetic ketoacidosis|insulinoma|
    haemochromatosis|Wilson disease|autoimmune hepatitis|alcoholic hepatitis|liver cirrhosis|Budd-Chiari syndrome|
    portal vein thrombosis|hepatocellular carcinoma|liver abscess|hydatid cyst|acute cholangitis|
    gallstone ileus|acute pancreatitis|pancreatic pseudocyst|pancreatic cancer|Crohn disease|ulcerative colitis|
    toxic megacolon|ischaemic colitis|diverticulitis|colonic volvulus|appendicitis|intussusception|
    small bowel obstruction|coeliac disease|Whipple disease|upper GI bleeding|perforated duodenal ulcer|
    gastric lymphoma|colorectal cancer|anal fistula|IgA nephropathy|membranous nephropathy|lupus nephritis|
    haemolytic uraemic syndrome|rhabdomyolysis|renal artery stenosis|renal infarction|renal cell carcinoma|
    Wilms tumour|emphysematous pyelonephritis|bladder cancer|prostate cancer|testicular seminoma|ovarian torsion|
    ectopic pregnancy|pre-eclampsia|HELLP syndrome|amniotic fluid embolism|endometriosis|cervical cancer|
    breast cancer|Hodgkin lymphoma|diffuse large B-cell lymphoma|multiple myeloma|chronic lymphocytic leukaemia|
    acute myeloid leukaemia|acute chest syndrome in sickle cell disease|thalassaemia major|haemophilia A|
    thrombotic thrombocytopenic purpura|immune thrombocytopenia|heparin-induced thrombocytopenia|aplastic anaemia|
    haemophagocytic lymphohistiocytosis|graft versus host disease|tumour lysis syndrome|neutropenic sepsis|
    malaria|typhoid fever|dengue|leptospirosis|brucellosis|Q fever|Lyme disease|visceral leishmaniasis|
    schistosomiasis|strongyloidiasis|cysticercosis|actinomycosis|nocardiosis|cat scratch disease|mucormycosis|
    histoplasmosis|HIV seroconversion|Kaposi sarcoma|CMV colitis|infectious mononucleosis|measles|mumps|
    COVID-19 pneumonia|influenza A|carbon monoxide poisoning|paracetamol overdose|organophosphate poisoning|
    lithium toxicity|digoxin toxicity|serotonin syndrome|neuroleptic malignant syndrome|heat stroke|
    near drowning|smoke inhalation|electrical injury|anaphylaxis|Stevens-Johnson syndrome|
    bullous pemphigoid|melanoma|Marfan syndrome|Ehlers-Danlos syndrome|neurofibromatosis|tuberous sclerosis|
    osteogenesis imperfecta|osteosarcoma|Ewing sarcoma|Paget disease|polymyalgia rheumatica|
    ankylosing spondylitis|hip fracture|compartment syndrome""".replace("\n", "").split("|")
)
_SETTINGS = tuple(
    s.strip()
    for s in """after kidney transplantation|after bone marrow transplantation|in pregnancy|postpartum|
    on dialysis|on methotrexate|on infliximab|under chemotherapy|after splenectomy|after a long flight|
    after dental work|after hip replacement|in a heavy drinker|in a smoker|in an intravenous drug user|
    returning from India|returning from West Africa|in a farmer|in a welder|in a sewage worker|in a nursing home|
    in an athlete|after a road accident|after a fall from a ladder|with HIV|with Down syndrome|with sickle cell trait|
    with type 1 diabetes|with rheumatoid arthritis|with chronic kidney disease|with cirrhosis|with COPD|
    after gastric bypass|after thyroidectomy|after aortic valve replacement|on rivaroxaban|on high-dose steroids|
    with a cardiac pacemaker|with a tracheostomy|after varicella|after influenza|during neutropenia|
    in a pigeon breeder|with a central line|on home oxygen""".replace("\n", "").split("|")
)
_COMPLICATIONS = tuple(
    s.strip()
    for s in """complicated by renal failure|with septic shock|with respiratory failure|ventilated|with bacteraemia|
    relapsing|not responding to antibiotics|treated conservatively|needing surgery|with eosinophilia|
    with normal inflammatory markers|with hyponatraemia|with lymphadenopathy|with splenomegaly|
    with bilateral infiltrates|with a small effusion|with a left upper lobe nodule|with hilar enlargement|
    mimicking cancer|diagnosed late|with liver involvement|with cardiac involvement|with seizures|with a rash|
    with recurrent fever|found by chance|with good outcome|fatal|with hypercalcaemia|with cavitation|
    with pulmonary nodules|with a normal chest film|with massive bleeding|after failed treatment|
    with unexplained weight loss|in remission|steroid dependent|culture negative""".replace(
        "\n", ""
    ).split("|")
)
_PATIENTS = Forms(
    "{c} {setting}",
    "{c} {comp}",
    "{c} {setting}, {comp}",
    "{c}",
    "{c} with {s1}",
    "{c} {setting}, {s1}",
    "{c} in {who}",
    "{who}, {c}, {comp}",
    "{who} with {c} {setting}",
    "{who}, {c} and {s1}",
    terse=[
        "{who} {c}, {s1}, {comp}",
        "{who} w/ {c} {comp}",
        "{c} + {s1}",
        "{who} {c} {setting}",
        "{c}, {comp}",
    ],
    plain=["{who}, {c} since {months} months, {comp}", "{c}, {s1}, {setting}"],
    formal=[
        "{c} {setting}, presenting with {s1}",
        "{c} in {who}, {comp}",
        "{who} with {c}, {comp}",
    ],
)


def describe(writer: Writer, condition: str | None = None) -> str:
    """A clinical description, guarded: the call quotes it as it stands in the message."""
    rng = writer.rng
    age = rng.choice((rng.randint(1, 17), rng.randint(18, 60), rng.randint(45, 88)))
    who = introduce(writer, Person(age, rng.choice(SEXES)))
    text = writer.say(
        _PATIENTS,
        c=condition or rng.choice(CONDITIONS),
        setting=rng.choice(_SETTINGS),
        comp=rng.choice(_COMPLICATIONS),
        s1=rng.choice(SYMPTOMS),
        who=who,
        months=str(rng.randint(2, 9)),
    )
    return writer.verbatim(bare(text).strip())


def call(query: str, k: int | None = None, image: str | None = None) -> Call:
    """The search for `query` (marks of the writer removed), fields in the contract's order."""
    arguments: dict[str, Any] = {"query": bare(query)}
    if k is not None:
        arguments["k"] = k
    if image is not None:
        arguments["image"] = image
    return Call(name="find_similar_cases", arguments=arguments)


def sample_k(writer: Writer) -> int | None:
    """How many cases; often unsaid."""
    return writer.rng.randint(1, 20) if writer.chance(0.6) else None


_FIND = Forms(
    "look out {n} comparable cases of {q}",
    "{n} cases comparable to {q}, please",
    "retrieve {n} patients resembling {q}",
    "top {n} cases for {q}",
    "[find|show me|search] {n} cases of {q}",
    "[find|show] {n} similar cases: {q}",
    "[are there|have you] {n} [earlier|previous] cases of {q}?",
    "[find|look for] {n} [patients|cases] like this: {q}",
    "search the archive, {n} cases: {q}",
    "{q} - {n} similar cases please",
    terse=[
        "gimme {n} cases, {q}",
        "{n} comparable pts, {q}",
        "pull up {n} pts like {q}",
        "case precedents {q}, top {n}",
        "need {n} similar: {q}",
        "pull {n} cases like: {q}",
        "{n} similar pts: {q}",
        "find {n} like this - {q}",
        "{q}. {n} similar?",
        "case search: {q}, {n} hits",
        "seen {n} like this before? {q}",
        "comparables for {q}, {n} of them",
        "show {n} pts w/ {q}",
    ],
    plain=[
        "I want {n} case examples for: {q}",
        "show {n} other patients with {q}",
        "search please cases: {q}. {n} hits",
        "{n} results for {q} from the case base",
        "please search {n} patients similar to: {q}",
        "I look for {n} comparable cases: {q}",
        "give me {n} examples of {q}",
        "do you have {n} cases with {q}?",
        "who had the same? {q}. I want {n} cases",
        "for a case report I need {n} cases of {q}",
        "precedents for: {q}. {n} of them",
    ],
    formal=[
        "would you find {n} cases comparable with {q}",
        "{n} precedents of {q}, if you please",
        "I should value {n} comparable patients: {q}",
        "I should like to see {n} cases of {q}",
        "could you look out {n} comparable cases: {q}",
        "kindly search for {n} patients with {q}",
        "might there be {n} earlier cases of {q}?",
        "we should be interested in {n} cases resembling {q}",
        "please retrieve {n} cases akin to the following: {q}",
    ],
)
_FIND_ANY = Forms(
    "have we had cases of {q}?",
    "comparable cases to {q}",
    "look for precedents of {q}",
    "case search: {q}",
    "[find|show me|search] [similar |]cases of {q}",
    "[any|have you] [similar |earlier |previous |]cases of {q}?",
    "similar cases: {q}",
    "[find|look for] patients like this: {q}",
    "search the archive for {q}",
    "{q} - similar cases please",
    terse=[
        "seen this before? {q}",
        "any pts like {q}",
        "ever had {q}?",
        "similar cases pls {q}",
        "pull similar: {q}",
        "pull cases like: {q}",
        "similar pts? {q}",
        "anyone seen this before: {q}",
        "case search {q}",
        "comparables: {q}",
        "find me pts w/ {q}",
        "cases like {q}??",
    ],
    plain=[
        "search similar cases for: {q}",
        "I want to find cases with {q}",
        "are there patients like mine? {q}",
        "any cases like: {q}",
        "please search similar patients: {q}",
        "do you know cases with {q}?",
        "I look for comparable cases: {q}",
        "was there already a case like {q}?",
        "which patients had this: {q}",
        "find cases for my report, {q}",
        "cases like: {q}. the usual number is fine",
    ],
    formal=[
        "would you look for similar cases: {q}",
        "have there been comparable patients with {q}?",
        "I recall a patient with {q}; please pull up cases of that sort",
        "I should like to see comparable cases of {q}",
        "kindly look for earlier patients with {q}",
        "have you any previous cases of {q}?",
        "might there be precedents for {q}?",
        "please search for cases resembling the following: {q}",
    ],
)
_THEN_FIND = Forms(
    "{q}. {n} [examples|cases|hits] would be ample",
    "have you cases of {q}? {n} will do",
    "{q}; show the nearest {n}",
    "{q}. {n} [examples|hits|cases] will do, similar ones please",
    "my impression is {q}. find {n} cases like that",
    "I suspect {q}. please show {n} similar cases",
    "{q} - top {n} comparable cases",
    "what do earlier cases of {q} look like? {n} would be enough",
    terse=[
        "{q}. closest {n}?",
        "{q} - gimme {n}",
        "{q}. top {n} pls",
        "thinking {q}, pull {n} like it",
        "case lookup, {n} hits max: {q}",
    ],
    plain=[
        "I remember a patient: {q}. search {n} such cases",
        "diagnosis: {q}. {n} similar cases please",
    ],
    formal=[
        "have you any previous cases of {q}? {n} examples would suffice",
        "this is a case of {q}. I should like {n} comparable ones",
        "my own impression is of {q}; might I see {n} cases of that sort?",
        "I recall {q}. Please pull up similar cases; {n} would be ample",
    ],
)
_WITH_FILM = Forms(
    "include the attached film in the search",
    "use the film too",
    "[search|match] with the attached image as well",
    "take the attached film into account",
    "similar to the attached film too",
    terse=["use attached cxr too", "incl the film", "match on the film as well"],
    formal=[
        "please include the enclosed film in the search",
        "the film should be taken into account",
    ],
)
_ON_FILM = Forms(
    "show {n} cases [similar|comparable] to scan-1 and this text: {q}",
    "search with this film and the words: {q}. {n} hits",
    "find {n} patients like the film attached, {q}",
    "with the film included, {n} cases of {q}",
    "find {n} cases [resembling|like|similar to] the attached [film|x-ray|image]: {q}",
    "{n} cases like [this film|the attached film] - {q}",
    "search {n} cases with this [film|image]. text: {q}",
    "{n} patients whose film looks like the attached one, {q}",
    terse=[
        "{n} similar to attached film, {q}",
        "{n} cases like this cxr: {q}",
        "pull {n} cases like attached cxr - {q}",
        "{n} matches for this film: {q}",
    ],
    formal=["might I see {n} cases resembling the attached film, namely {q}?"],
)


def ask(writer: Writer, query: str, k: int | None = None, image: str | None = None) -> Request:
    """A request for cases like `query` (from `describe`)."""
    gold = (call(query, k, image),)
    if image is not None and writer.chance(0.6):
        n = writer.count(k) if k is not None else writer.choice(("some", "", "", "any"))
        return Request(writer.say(_ON_FILM, n=n, q=query).replace("  ", " "), gold)
    if k is None:
        text = writer.say(_FIND_ANY, q=query)
    else:
        forms = _THEN_FIND if k > 1 and writer.chance(0.25) else _FIND
        text = writer.say(forms, n=writer.count(k), q=query)
    if k == 1:
        text = (
            text.replace(" cases", " case")
            .replace(" patients", " patient")
            .replace(" hits", " hit")
        )
    if image is not None:
        text = f"{text.rstrip('.')}{'' if text.endswith('?') else '.'} {writer.say(_WITH_FILM)}"
    return Request(text, gold)


_NO_QUERY = Forms(
    "[find|show me|search] {n} similar cases",
    "[any|do you have any] cases like [mine|my patient]?",
    "have we seen a patient like this before?",
    "[find|search] {n} patients like [the one in {bed}|mine]",
    "search the archive for {n} similar cases please",
    terse=[
        "similar pts?",
        "pull {n} comparables for {bed}",
        "{n} cases like my pt in {bed}",
        "case search pls",
    ],
    plain=[
        "please look for {n} comparable patients",
        "I need {n} cases for a talk",
        "which cases are similar?",
    ],
    formal=[
        "might there be comparable cases to my patient in {bed}?",
        "kindly retrieve {n} similar cases",
        "I should like to see {n} precedents for this patient",
    ],
)


def ask_without_query(writer: Writer, *, counted: bool = True) -> Request:
    """A request that does not say which case; it may say how many where `counted`."""
    k = writer.rng.randint(2, 20) if counted and writer.chance(0.5) else None
    n = "some" if k is None else writer.count(k)
    bed = writer.choice(("bed 4", "room 12b", "bay 3", "bed 17", "the ICU", "room 206"))
    text = writer.say(_NO_QUERY, n=n, bed=bed)
    stated = {"k": k} if k is not None and n in text else {}
    return Request(text, (Call(name="find_similar_cases", arguments=stated),))


_MORE = Forms(
    "only {n}",
    "that is too few, {n} please",
    "too many, {n} will do",
    "show me {n}",
    "expand to {n}",
    "{n} would be better",
    "let me see {n}",
    "give me {n}",
    "make it {n}",
    "{n} please",
    "show {n} instead",
    "can I have {n}?",
    "I'd like {n} of them",
)
_ADD_FILM = Forms(
    "repeat it with the film included",
    "please include the film this time",
    "and with the picture as well",
    "use scan-1 as well",
    "now include the film [in the search|too]",
    "same search with the attached film",
    "take the film into account as well",
    "again, but with the film",
)
_OTHER = Forms(
    "and {q}, have you such cases?",
    "look for {q} too",
    "next: {q}",
    "and [cases of |]{q}?",
    "now [search |]{q}",
    "the same for {q}",
    "what about {q}?",
    "next search: {q}",
)


def more(writer: Writer, k: int) -> str:
    """A follow-up that wants another number of cases."""
    return writer.say(_MORE, n=writer.count(k))


def add_film(writer: Writer) -> str:
    """A follow-up that adds the film to the search."""
    return writer.say(_ADD_FILM)


def other(writer: Writer, query: str) -> str:
    """A follow-up that searches for something else."""
    return writer.say(_OTHER, q=query)
