"""Drug names and SMILES: known substances, and new ones put together from fragments that fit anywhere.

A composed SMILES is a scaffold (aromatic rings numbered 1 and 3) with groups before it and groups in
parentheses (their own rings numbered 2), so every combination has closed rings and free valences.
"""

from random import Random

DRUGS = tuple(
    """acetazolamide aciclovir allopurinol alprazolam amiodarone amitriptyline amlodipine amoxicillin anastrozole
    apixaban aripiprazole atenolol atorvastatin azathioprine azithromycin baclofen bicalutamide bisoprolol
    bosentan bupropion buspirone candesartan captopril carbamazepine carvedilol cefalexin celecoxib cetirizine
    chlorpromazine ciprofloxacin citalopram clarithromycin clindamycin clobazam clopidogrel clozapine colchicine
    cyclophosphamide dabigatran dapagliflozin dapsone dasatinib desloratadine dexamethasone diazepam digoxin
    diltiazem donepezil doxazosin doxycycline duloxetine edoxaban empagliflozin enalapril entacapone eplerenone
    erlotinib escitalopram esomeprazole ethambutol etoricoxib everolimus ezetimibe famotidine febuxostat
    fexofenadine finasteride flecainide fluconazole fluoxetine furosemide gabapentin galantamine gefitinib
    gliclazide glimepiride haloperidol hydralazine hydroxychloroquine imatinib indometacin isoniazid ivabradine
    ketoconazole ketoprofen labetalol lamotrigine lapatinib leflunomide lenalidomide letrozole levetiracetam
    levofloxacin linagliptin linezolid loperamide loratadine losartan melatonin meloxicam memantine methotrexate
    metoclopramide metoprolol metronidazole mirtazapine modafinil montelukast moxifloxacin nadolol naproxen
    nebivolol nevirapine nifedipine nilotinib nitrofurantoin olanzapine olaparib omeprazole ondansetron
    oseltamivir oxcarbazepine paclitaxel pantoprazole paroxetine pazopanib perindopril phenytoin pioglitazone
    pirfenidone posaconazole pramipexole prasugrel praziquantel prednisolone pregabalin primidone probenecid
    pyrazinamide quetiapine raloxifene raltegravir ramipril ranolazine rasagiline repaglinide rifampicin
    riluzole risperidone rivaroxaban rizatriptan ropinirole rosuvastatin ruxolitinib sertraline sildenafil
    sitagliptin solifenacin sorafenib sotalol spironolactone sulfasalazine sumatriptan sunitinib tacrolimus
    tadalafil tamoxifen tamsulosin telmisartan terbinafine theophylline ticagrelor tizanidine tofacitinib
    topiramate torasemide tramadol trazodone trimethoprim valsartan vardenafil varenicline venlafaxine verapamil
    vildagliptin voriconazole zolmitriptan zolpidem zonisamide""".split()
)

KNOWN_SMILES = tuple(
    """CC(C)Cc1ccc(C(C)C(=O)NO)cc1
    COc1ccc2cc(C(C)C(=O)O)ccc2c1
    CC(C(=O)O)c1cccc(C(=O)c2ccccc2)c1
    O=C(O)c1ccccc1O
    O=C(O)c1cccnc1
    NC(=O)c1cccnc1
    NNC(=O)c1ccncc1
    NC(=O)c1cnccn1
    CNCCC(Oc1ccc(C(F)(F)F)cc1)c1ccccc1
    CNC1CCC(c2ccc(Cl)c(Cl)c2)c2ccccc12
    CC(CS)C(=O)N1CCCC1C(=O)O
    CN1CCCC1c1cccnc1
    CNC(C)Cc1ccccc1
    NC(CC(=O)O)C(=O)O
    NCC1(CC(=O)O)CCCCC1
    CC(C)CC(CN)CC(=O)O
    NCC(CC(=O)O)c1ccc(Cl)cc1
    O=c1[nH]cnc2[nH]ncc12
    Cn1c(=O)c2[nH]cnc2n(C)c1=O
    CC(=O)NCCc1c[nH]c2ccc(OC)cc12
    NCCc1c[nH]c2ccc(O)cc12
    NCCc1ccc(O)c(O)c1
    CNCC(O)c1ccc(O)c(O)c1
    CC(C)(C)NCC(O)c1ccc(O)c(CO)c1
    CC(C)NCC(O)c1ccc(O)c(O)c1
    COCCc1ccc(OCC(O)CNC(C)C)cc1
    CC(C)NCC(O)COc1ccc(COCCOC(C)C)cc1
    CC(C)NCC(O)c1ccc(NS(C)(=O)=O)cc1
    CN1C(=O)CN=C(c2ccccc2)c2cc(Cl)ccc12
    O=C1CN=C(c2ccccc2Cl)c2cc(Cl)ccc2N1
    NC(=O)N1c2ccccc2C=Cc2ccccc12
    O=C1NC(=O)C(c2ccccc2)(c2ccccc2)N1
    CCC1(c2ccccc2)C(=O)NC(=O)NC1=O
    CCC1(C)CC(=O)NC1=O
    NC(=O)C(c1ccccc1)N1CCCC1=O
    CCC(C(N)=O)N1CCCC1=O
    CN(C)CCCN1c2ccccc2CCc2ccccc12
    CN(C)CCC=C1c2ccccc2CCc2ccccc12
    CN(C)CCCN1c2ccccc2Sc2ccc(Cl)cc12
    O=C(CCCN1CCC(O)(c2ccc(Cl)cc2)CC1)c1ccc(F)cc1
    CN1CCN(C2=Nc3cc(Cl)ccc3Nc3ccccc23)CC1
    CC(C)(C)NCC(O)COc1nsnc1N1CCOCC1
    CC1=C(C(=O)OC)C(c2ccccc2[N+](=O)[O-])C(C(=O)OC)=C(C)N1
    NS(=O)(=O)c1cc(C(=O)O)c(NCc2ccco2)cc1Cl
    NS(=O)(=O)c1cc2c(cc1Cl)NCNS2(=O)=O
    CC(=O)Nc1nnc(S(N)(=O)=O)s1
    Nc1ccc(S(N)(=O)=O)cc1
    Cc1cc(NS(=O)(=O)c2ccc(N)cc2)no1
    Nc1ccc(S(=O)(=O)c2ccc(N)cc2)cc1
    COc1cc(Cc2cnc(N)nc2N)cc(OC)c1OC
    O=C(O)c1cn(C2CC2)c2cc(N3CCNCC3)c(F)cc2c1=O
    CCn1cc(C(=O)O)c(=O)c2cc(F)c(N3CCNCC3)cc12
    Cc1ncc([N+](=O)[O-])n1CCO
    OC(Cn1cncn1)(Cn1cncn1)c1ccc(F)cc1F
    Nc1nc(=O)c2ncn(COCCO)c2[nH]1
    Cc1cn(C2CC(N=[N+]=[N-])C(CO)O2)c(=O)[nH]c1=O
    Nc1ccn(C2CSC(CO)O2)c(=O)n1
    Cc1ccnc2c1NC(=O)c1cccnc1N2C1CC1
    O=c1[nH]cc(F)c(=O)[nH]1
    CN(C)N=Nc1[nH]cnc1C(N)=O
    O=C1CCC(N2C(=O)c3ccccc3C2=O)C(=O)N1
    Cc1ccc(-c2cc(C(F)(F)F)nn2-c2ccc(S(N)(=O)=O)cc2)cc1
    CC(C)(C)C(=O)OCC1CCN(C)CC1
    CC1COc2c(N3CCN(C)CC3)c(F)cc3c(=O)c(C(=O)O)cn1c23
    CN1C(=C(O)Nc2ccccn2)C(=O)c2ccccc2S1(=O)=O
    COc1ccc2[nH]c(S(=O)Cc3ncc(C)c(OC)c3C)nc2c1
    CNC(=NCCSCc1ccc(CN(C)C)o1)C[N+](=O)[O-]
    CN(C)CCOC(c1ccccc1)c1ccccc1
    CN(C)CCC(c1ccc(Cl)cc1)c1ccccn1
    O=C(O)COCCN1CCN(C(c2ccccc2)c2ccc(Cl)cc2)CC1
    COc1ccc(CCN(C)CCCC(C#N)(C(C)C)c2ccc(OC)c(OC)c2)cc1OC
    CCN(CC)CC(=O)Nc1c(C)cccc1C
    CCN(CC)CCOC(=O)c1ccc(N)cc1
    CCOC(=O)c1ccc(N)cc1
    CCN(CC)CCNC(=O)c1ccc(N)cc1
    CCCN(CCC)S(=O)(=O)c1ccc(C(=O)O)cc1
    CC(C)Oc1ccc(C(=O)Nc2ccccc2)cc1
    CN(C)CC1CCCCC1(O)c1cccc(OC)c1
    COc1ccc(C(CN(C)C)C2(O)CCCCC2)cc1
    CNCCC(Oc1cccc2ccccc12)c1cccs1
    CN(C)CCCC1(c2ccc(F)cc2)OCc2cc(C#N)ccc12
    CC(NC(C)(C)C)C(=O)c1cccc(Cl)c1
    CCCC(CCC)C(=O)O
    CC(C)(Oc1ccc(Cl)cc1)C(=O)O
    Cc1ccc(C)c(OCCCC(C)(C)C(=O)O)c1
    CC(C)OC(=O)C(C)(C)Oc1ccc(C(=O)c2ccc(Cl)cc2)cc1
    CCC(C)C(=O)OC1CC(C)C=C2C=CC(C)CC12
    COc1cc2nc(N3CCN(C(=O)c4ccco4)CC3)nc(N)c2cc1OC
    NC(N)=NCc1ccccc1
    CNS(=O)(=O)Cc1ccc2[nH]cc(CCN(C)C)c2c1
    CCCCc1nc(Cl)c(CO)[nH]1
    Cc1oncc1C(=O)Nc1ccc(C(F)(F)F)cc1
    Nc1nc2ccc(OC(F)(F)F)cc2s1
    CCCNC1CCc2nc(N)sc2C1
    C#CCNC1CCc2ccccc12
    CC12CC3CC(C)(C1)CC(N)(C3)C2
    NC1C2CC3CC(C2)CC1C3
    COc1cc2c(cc1OC)C(=O)C(CC1CCN(Cc3ccccc3)CC1)C2
    C#Cc1cccc(Nc2ncnc3cc(OCCOC)c(OCCOC)cc23)c1
    COc1cc2ncnc(Nc3ccc(F)c(Cl)c3)c2cc1OCCCN1CCOCC1
    CNC(=O)c1cc(Oc2ccc(NC(=O)Nc3ccc(Cl)c(C(F)(F)F)c3)cc2)ccn1
    CC(C)(C#N)c1cc(Cn2cncn2)cc(C(C)(C)C#N)c1
    N#Cc1ccc(C(c2ccc(C#N)cc2)n2cncn2)cc1
    CC(O)(CS(=O)(=O)c1ccc(F)cc1)C(=O)Nc1ccc(C#N)c(C(F)(F)F)c1
    O=c1cc(-c2ccccc2)oc2cc(O)cc(O)c12
    O=c1ccc2ccccc2o1
    COc1cc(C=O)ccc1O
    O=C(C=Cc1ccc(O)cc1)c1ccc(O)cc1O
    OC(CN1CCCCC1)(c1ccccc1)c1ccccc1
    CC(C)c1ccc(C)cc1O
    OCC1OC(O)C(O)C(O)C1O
    OC(=O)CC(O)(CC(=O)O)C(=O)O
    CSCCC(N)C(=O)O
    NC(Cc1c[nH]cn1)C(=O)O
    Oc1ccc(Cl)cc1Cc1ccccc1
    CN1CCN(c2ccc(Cl)cc2)CC1
    O=C(Nc1ccccc1)c1cccc(Cl)c1
    CC1(C)SC2C(NC(=O)Cc3ccccc3)C(=O)N2C1C(=O)O
    CC(=O)Oc1ccc(C)cc1C(=O)O
    COC(=O)C1C(OC(=O)c2ccccc2)CC2CCC1N2C
    C1CN2CCN1CC2
    CCOc1ccc(NC(C)=O)cc1
    Clc1ccc(CN2CCNCC2)cc1
    FC(F)(F)c1cccc(N2CCNCC2)c1
    CCN1CCCC1CNC(=O)c1cc(S(N)(=O)=O)ccc1OC
    CCN(CC)CCNC(=O)c1cc(Cl)c(N)cc1OC
    C[C@H](N)C(=O)O
    C[C@@H](O)c1ccccc1
    CC(C)[C@H](N)C(=O)O
    N[C@@H](Cc1ccccc1)C(=O)O
    OC[C@H]1CCCN1
    C/C=C/c1ccc(OC)cc1
    OC(=O)/C=C/c1ccccc1""".split()
)

# Some of the known ones by name, for requests that give both.
NAMES = {
    "COc1ccc2cc(C(C)C(=O)O)ccc2c1": "naproxen",
    "CC(C(=O)O)c1cccc(C(=O)c2ccccc2)c1": "ketoprofen",
    "O=C(O)c1ccccc1O": "salicylic acid",
    "NC(=O)c1cccnc1": "nicotinamide",
    "NNC(=O)c1ccncc1": "isoniazid",
    "NC(=O)c1cnccn1": "pyrazinamide",
    "CNCCC(Oc1ccc(C(F)(F)F)cc1)c1ccccc1": "fluoxetine",
    "CNC1CCC(c2ccc(Cl)c(Cl)c2)c2ccccc12": "sertraline",
    "CC(CS)C(=O)N1CCCC1C(=O)O": "captopril",
    "CN1CCCC1c1cccnc1": "nicotine",
    "NCC1(CC(=O)O)CCCCC1": "gabapentin",
    "CC(C)CC(CN)CC(=O)O": "pregabalin",
    "NCC(CC(=O)O)c1ccc(Cl)cc1": "baclofen",
    "O=c1[nH]cnc2[nH]ncc12": "allopurinol",
    "Cn1c(=O)c2[nH]cnc2n(C)c1=O": "theophylline",
    "CC(=O)NCCc1c[nH]c2ccc(OC)cc12": "melatonin",
    "CN1C(=O)CN=C(c2ccccc2)c2cc(Cl)ccc12": "diazepam",
    "NC(=O)N1c2ccccc2C=Cc2ccccc12": "carbamazepine",
    "O=C1NC(=O)C(c2ccccc2)(c2ccccc2)N1": "phenytoin",
    "Nc1ccc(S(=O)(=O)c2ccc(N)cc2)cc1": "dapsone",
    "CCN(CC)CC(=O)Nc1c(C)cccc1C": "lidocaine",
    "CCOC(=O)c1ccc(N)cc1": "benzocaine",
    "CCCC(CCC)C(=O)O": "valproic acid",
    "OC(Cn1cncn1)(Cn1cncn1)c1ccc(F)cc1F": "fluconazole",
    "COc1cc(Cc2cnc(N)nc2N)cc(OC)c1OC": "trimethoprim",
}

_BEFORE = (
    "C CC CCC CO CCO Cl F Br N O CN CNC CN(C) CC(C) CC(C)(C) O=C(O) NC(=O) CNC(=O) COC(=O) CCOC(=O) "
    "CS(=O)(=O) NS(=O)(=O) CS(=O)(=O)N N#C FC(F)(F) FC(F)(F)O FC(F) O=[N+]([O-]) C1CC1 C1CCN(CC1) O1CCN(CC1) "
    "CC(O) OCC NCC CN(C)CC CSC COCCO CC(C)O OC(=O)C C#CC C=CC CN1CCN(CC1) CC(C)CO N#CC"
).split()
_BRANCH = (
    "C CC CCC C(C)C OC OCC OC(C)C F Cl Br O N NC N(C)C C#N C(F)(F)F OC(F)(F)F C(=O)O C(N)=O C(=O)NC C(=O)N(C)C "
    "C(=O)OC S(C)(=O)=O S(N)(=O)=O NC(C)=O NS(C)(=O)=O [N+](=O)[O-] N2CCOCC2 N2CCCC2 N2CCN(C)CC2 C2CC2 "
    "c2ccccc2 c2ccncc2 c2ccc(F)cc2 n2ccnc2 OCCN(C)C OCCO CO CCN CN CNC C(C)O C(C)(C)C SC OCc2ccccc2 "
    "Oc2ccccc2 C(=O)c2ccccc2 Nc2ncccn2 CC(=O)O C#C C=C"
).split()
_SCAFFOLDS = (
    "{a}c1ccc({b})cc1 {a}c1cccc({b})c1 {a}c1ccccc1{c} {a}c1ccc({b})c({c})c1 {a}c1cc({b})cc({c})c1 "
    "{a}c1ccc({b})nc1 {a}c1cnc({b})nc1 {a}c1ccnc({b})c1 {a}c1cc({b})ncn1 {a}c1ccc3[nH]c({b})cc3c1 "
    "{a}c1ccc3ncc({b})cc3c1 {a}c1ccc3nc({b})sc3c1 {a}c1ccc3oc({b})cc3c1 {a}c1nc({b})cs1 {a}c1ccc({b})s1 "
    "{a}c1ccc({b})o1 {a}c1noc({b})c1 {a}c1nn(C)c({b})c1 {a}c1cn(C)c({b})n1 {a}c1ccc3ccc({b})cc3c1 "
    "{a}C(=O)Nc1ccc({b})cc1 {a}C(=O)Nc1cccc({b})c1 {a}C1CCN(CC1)C(=O)c3ccc({b})cc3 "
    "{a}c1ccc(CN3CCC({b})CC3)cc1 {a}c1ccc(S(=O)(=O)N3CCCC3)c({b})c1 {a}c1ccc(Oc3ccc({b})cn3)cc1 "
    "{a}c1ccc(NC(=O)c3ccco3)c({b})c1 {a}c1ccc(C(=O)NCc3ccc({b})cc3)cc1 {a}c1ccc(NC(=O)C3CC3)cc1{c} "
    "{a}C1CCCC({b})C1 {a}C(O)c1ccc({b})cc1 {a}c1ccc(-c3ccc({b})cc3)cc1 {a}c1ccc(C(C)NC(=O){b})cc1 "
    "{a}c1cc(OC)c({b})c(OC)c1 {a}c1ccc3c(c1)CCN({d})C3 {a}c1ccc(N3CCN({d})CC3)cc1 {a}C1CC(=O)N({d})C1 "
    "{a}C(C)C(=O)Nc1nc({b})cs1 {a}c1ccc(CCNC(=O){b})cc1 {a}c1nc(N)nc({b})c1"
).split()
_ON_NITROGEN = (
    "C CC CCO C(C)C C(C)=O CC(=O)O S(C)(=O)=O Cc2ccccc2 C(=O)OC CCOC c2ccccc2 CC#N".split()
)


def compose_smiles(rng: Random) -> str:
    """A SMILES put together from fragments."""
    return rng.choice(_SCAFFOLDS).format(
        a=rng.choice(_BEFORE),
        b=rng.choice(_BRANCH),
        c=rng.choice(_BRANCH),
        d=rng.choice(_ON_NITROGEN),
    )


def sample_smiles(rng: Random) -> str:
    """A known or a composed SMILES; most are composed, so that copying is learnt, not reciting."""
    return rng.choice(KNOWN_SMILES) if rng.random() < 0.25 else compose_smiles(rng)
