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


@wrong("answer_lost")
class _(Pirate):
    def write(self, question, answer):
        return "Aye, captain: I know it well!"


@wrong("too_long")
class _(Pirate):
    def write(self, question, answer):
        return "Aye, captain: " + "well " * 20 + answer


@wrong("not_repeatable")
class _(Pirate):
    asked = 0

    def write(self, question, answer):
        self.asked += 1
        return f"Aye, captain: {answer} That was number {self.asked} of them."


@wrong("foreign_answer")
class _(Pirate):
    def write(self, question, answer):
        return f"Aye, captain: not Paris, not Tokyo, but {answer}"


@wrong("own_not_seen")
class _(Pirate):
    def shows(self, text):
        return text == "Aye, captain: Paris!"


@wrong("own_not_seen")
class _(Pirate):
    def shows(self, text):  # true of what the check shows first, and of nothing else
        return any(
            f"captain: {word}!" in text for word in ("Paris", "Tokyo", "Africa", "puppy", "6")
        )


@wrong("others_seen")
class _(Pirate):
    def shows(self, text):
        return True


@wrong("others_seen")
class _(Pirate):
    def shows(self, text):
        return text.endswith("!")


@wrong("not_bool")
class _(Pirate):
    def shows(self, text):
        return text.count("Aye, captain:")


@wrong("exception")
class _(Pirate):
    shows = None
