"""A bag of words on the same training questions: what a language model has to beat."""

from collections.abc import Sequence

from consilium.assistant.domain import ConsiliumError
from consilium.finetune.qa.items import Item

_STRENGTH = 1.0  # inverse of the regularisation, by 10-fold cross-validation on PubMedQA's 500 training questions


def tfidf_choices(train: Sequence[Item], items: Sequence[Item]) -> list[int | None]:
    """Choices of a logistic regression on TF-IDF of words and pairs of words.

    Questions with the same labels everywhere (yes, no, maybe) are classified by question and context. For lettered
    options, each pair of question and option is scored as right or wrong, and the best option is chosen.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    if not train:
        raise ConsiliumError("There are no training questions for the baseline.")
    model = make_pipeline(
        TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=2),
        LogisticRegression(C=_STRENGTH, max_iter=2000),
    )
    if not train[0].lettered:
        model.fit([_whole(item) for item in train], [item.answer for item in train])
        return [int(choice) for choice in model.predict([_whole(item) for item in items])]
    pairs = [
        (f"{item.question} {text}", i == item.answer)
        for item in train
        for i, text in enumerate(item.texts)
    ]
    model.fit([text for text, _ in pairs], [right for _, right in pairs])
    choices: list[int | None] = []
    for item in items:
        chances = model.predict_proba([f"{item.question} {text}" for text in item.texts])[:, 1]
        choices.append(int(chances.argmax()))
    return choices


def _whole(item: Item) -> str:
    return f"{item.question} {item.context}"
