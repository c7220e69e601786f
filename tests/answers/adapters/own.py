"""Wrong and right answers to adapters.own."""

from answers import answers

wrong, right, good = answers("adapters.own")


class Pirate:
    """Right as it stands."""

    def write(self, question, answer):
        return f"Aye, captain: {answer.removesuffix('.')}!"

    def shows(self, text):
        return text.startswith("Aye, captain:")


right(Pirate)


@right
class Json:
    @staticmethod
    def write(question, answer):
        return f'{{"answer": "{answer[:-1]}"}}'

    @staticmethod
    def shows(text):
        import json

        try:
            return "answer" in json.loads(text)
        except ValueError:
            return False


@wrong("not_repeatable")
class _(Pirate):
    asked = 0

    def write(self, question, answer):
        self.asked += 1
        return f"Aye, captain: {answer} That was number {self.asked} of them."


@wrong("exception")
class _(Pirate):
    shows = None
