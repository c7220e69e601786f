"""A small repository with one source: what `smolcourse build` is tested on."""

SAMPLE = '''\
# ---
# smolcourse: {module: 1_demo, topic: adding}
# ---

# %% [markdown] lang="en"
# # Adding numbers

# %% [markdown] lang="zh-CN"
# # 加法

# %% id="setup"
print("ready")

# %% [markdown] lang="en" tags=["solution-only"]
# A remark on the solution.

# %% [markdown] lang="zh-CN"
# 关于答案的说明。

# %% id="demo.add" tags=["exercise"] level="🐕" minutes=5
def add(a, b):
    """The sum of two numbers.

    >>> add(1, 2)
    3
    """
    ### BEGIN SOLUTION
    total = a + b
    return total
    ### END SOLUTION


# %% id="demo.add.check"
check = lambda id, answer: answer
add = check("demo.add", add)

# %% id="result" tags=["solution-only"]
add(1, 2)
'''
EXERCISE = "1_demo/notebooks/adding_exercise.ipynb"
SOLUTION = "1_demo/notebooks/adding_solution.ipynb"
CHINESE = "1_demo/notebooks/zh-CN/adding_exercise.ipynb"
CHINESE_SOLUTION = "1_demo/notebooks/zh-CN/adding_solution.ipynb"
